// Paired tests between planners.
#pragma once

#include <cstddef>
#include <vector>

namespace ebgrasp {

/// McNemar's test, exact and two-sided ("Note on the sampling error of the difference between correlated proportions",
/// 1947): the probability that `a` and `b` discordant pairs, or a more uneven split, come about when either side of a
/// pair is as likely to win. 1 without discordant pairs. As the sign test it serves any paired quantity.
double mcnemar_p_value(std::size_t a, std::size_t b);

/// P values adjusted for their number: Holm, "A simple sequentially rejective multiple test procedure", 1979.
std::vector<double> holm_adjusted(const std::vector<double>& p_values);

}  // namespace ebgrasp
