namespace ebgrasp {}
