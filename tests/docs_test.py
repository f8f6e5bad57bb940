#!/usr/bin/env python3
"""The documentation's commands.
    docs_test.py EBGRASP SOURCE PAGE     runs the sh and python blocks of a page, as printed and in order, in a folder
                                         with the clone's examples/, models/, scripts/ and studies/
    docs_test.py EBGRASP SOURCE names    looks at all pages: every subcommand and option of ebgrasp, in blocks (run or
                                         not) and in prose, is in `--help`; every file of the clone and preset exists
A comment right before a block says what the test does otherwise:
    <!-- test: first: CODE -->               what the reader has by then, in the block's language
    <!-- test: with: OLD => NEW; ... -->     smaller numbers, or what the clone has in place of what the reader has
    <!-- test: skip: REASON -->              not run
Without the Python module on PYTHONPATH Python blocks are not run."""
import functools
import importlib.util
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

EBGRASP, SOURCE = map(pathlib.Path, sys.argv[1:3])
WHAT = sys.argv[3]
BLOCK = re.compile(r"((?:^<!-- test: .*?-->\n)*)^```(sh|python)\n(.*?)^```", re.S | re.M)
DIRECTIVE = re.compile(r"<!-- test: (first|with|skip):\s(.*?)\s*-->", re.S)
PRESETS = {preset["name"] for preset in json.loads((SOURCE / "CMakePresets.json").read_text())["configurePresets"]}
RUN = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}


class Block:
    def __init__(self, page, text, match):
        comments, self.language, self.text = match.groups()
        self.place = f"{page}:{text[: match.start(3)].count(chr(10)) + 1}"
        self.directives = dict(DIRECTIVE.findall(comments))

    def code(self):
        code = self.text
        for change in filter(None, self.directives.get("with", "").split(";")):
            old, new = (part.strip() for part in change.split("=>"))
            assert old in code, f"{self.place}: the test replaces {old!r}, which is not there"
            code = code.replace(old, new)
        return self.directives.get("first", "") + "\n" + code


@functools.cache
def help_of(*subcommand):
    result = subprocess.run([EBGRASP, *subcommand, "--help"], capture_output=True, text=True)
    return result.stdout if result.returncode == 0 else ""


@functools.cache
def options_of(*subcommand):
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_of(*subcommand).split("\nExample")[0]))


def subcommands_of(*subcommand):
    """Those below a subcommand, and of `ebgrasp` itself also those that ebgrasp-train has."""
    text = help_of(*subcommand)
    listed = re.findall(r"^  (\w[\w-]*)  ", text.partition("\nSubcommands:")[2], re.M)
    return listed + re.findall(r"[\w-]+", "".join(re.findall(r"^Commands that train: (.*) \(", text, re.M)))


def commands(code):
    """The words of every command of a shell script."""
    code = re.sub(r"(?<!\S)#.*", "", code.replace("\\\n", " "))
    lexer = shlex.shlex(code, posix=True, punctuation_chars=";&|\n()<>")
    lexer.whitespace, lexer.commenters = " \t\r", ""
    command = []
    for word in lexer:
        if set(word) <= set(";&|\n()"):
            yield command
            command = []
        else:
            command.append(word)
    yield command


def mistakes(words):
    """What a command names that does not exist."""
    for before, word in zip(["", *words], words):
        if re.match(r"(docs|examples|scripts|studies|tests)/[\w./-]+$", word) and before != "--output":
            if not (SOURCE / word).exists():
                yield f"no file {word}"
        if before == "--preset" and word not in PRESETS:
            yield f"no preset {word}"
    programs = [i for i, word in enumerate(words) if pathlib.Path(word).name == "ebgrasp"]
    if not programs:
        return
    subcommand, rest = (), words[programs[0] + 1 :]
    while rest and rest[0] in subcommands_of(*subcommand):
        subcommand, rest = (*subcommand, rest[0]), rest[1:]
    if not subcommand and rest and not rest[0].startswith("-"):
        if rest[0].islower():  # COMMAND stands for any
            yield f"no subcommand {rest[0]}"
        return
    for option in re.findall(r"^--?[a-z][\w-]*", "\n".join(rest), re.M):
        if option not in options_of(*subcommand):
            yield f"ebgrasp {' '.join(subcommand)} has no option {option}"


def read(page):
    """The text of a page without its blocks, and the blocks."""
    text = (SOURCE / page).read_text()
    blocks = [Block(page, text, match) for match in BLOCK.finditer(text)]
    understood = sum(len(block.directives) for block in blocks)
    assert text.count("<!-- test:") == understood, f"{page}: a comment that is not understood"
    return re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), blocks


class Names(unittest.TestCase):
    def test_everything_that_is_named_exists(self):
        options = set().union(*(options_of(name) for name in subcommands_of()), options_of("gripper", "show"))
        wrong = []
        for path in [*SOURCE.glob("*.md"), *SOURCE.glob("docs/*.md"), *SOURCE.glob("models/*.md")]:
            page = path.relative_to(SOURCE)
            prose, blocks = read(page)
            for block in blocks:
                for command in commands(block.text) if block.language == "sh" else ():
                    wrong += [f"{block.place}: {mistake}" for mistake in mistakes(command)]
            for code in re.findall(r"`([^`\n]+)`", prose):
                if code.startswith("ebgrasp "):
                    wrong += [f"{page}: {code}: {mistake}" for mistake in mistakes(code.split())]
                if code.startswith("--"):
                    wrong += [f"{page}: no option {option}" for option in re.findall(r"(?<!\S)--[a-z][\w-]*", code)
                              if option not in options]
        self.assertEqual(wrong, [])


class Page(unittest.TestCase):
    def test_its_blocks_run_in_order(self):
        environment = {**os.environ, "PATH": f"{EBGRASP.parent}:{os.environ['PATH']}",
                       "EBGRASP_MODELS": str(SOURCE / "models")}
        without = [] if importlib.util.find_spec("ebgrasp") else ["python"]
        with tempfile.TemporaryDirectory() as folder:
            for name in ("examples", "models", "scripts", "studies"):
                os.symlink(SOURCE / name, os.path.join(folder, name))
            for block in read(WHAT)[1]:
                if "skip" in block.directives or block.language in without:
                    continue
                result = subprocess.run([*RUN[block.language], block.code()], cwd=folder, env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual(result.returncode, 0, f"{block.place}\n{result.stdout}")


if __name__ == "__main__":
    unittest.main(defaultTest="Names" if WHAT == "names" else "Page", argv=sys.argv[:1])
