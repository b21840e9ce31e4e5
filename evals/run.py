#!/usr/bin/env python3
"""Which tool, with which arguments, does a model choose for what people say? Needs Python 3.10, nothing else.

    evals/run.py --program target/release/image-tool --api anthropic --model MODEL --record evals/answers/NAME.jsonl
    evals/run.py --program target/release/image-tool --api openai --base-url http://127.0.0.1:11434/v1 --model MODEL
    evals/run.py --program target/release/image-tool --answers evals/answers/NAME.jsonl      offline, what was recorded

The key is read from EVAL_API_KEY. A case of cases.jsonl is one line: `say` (what somebody says), `have` (what is known
then), `tool`, and `either`: the arguments must be like one of these. Not all arguments need to be named; a value is
itself, "*" (anything), {"~": regex}, {"in": [...]}, {"between": [low, high]}, a list (each must be like one of the
argument's), or an object (of which each part must be so).
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).parent
# What clients cut or refuse (docs/tools.md): bytes of a schema, characters of a description and of all of them together.
MOST_SCHEMA, MOST_DESCRIPTION = 8192, 1500


def ask_program(program):
    """The tools and the instructions, as the program lists them over stdio."""
    requests = [
        {"id": 1, "method": "initialize",
         "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "evals", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DATA_DIR": folder}
        child = subprocess.Popen([program, "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, env=environment, text=True)
        answers = {}
        for request in requests:
            child.stdin.write(json.dumps({"jsonrpc": "2.0", **request}) + "\n")
            child.stdin.flush()
            while "id" in request and request["id"] not in answers:
                answer = json.loads(child.stdout.readline())
                answers[answer.get("id")] = answer["result"]
        child.stdin.close()
        child.wait()
    return answers[2]["tools"], answers[1].get("instructions", "")


def post(url, headers, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=180) as answer:
        return json.load(answer)


def ask_model(given, tools, instructions, case):
    """The calls that the model makes."""
    key = os.environ.get("EVAL_API_KEY", "")
    say = case["say"] if "have" not in case else f"({case['have']})\n\n{case['say']}"
    if given.api == "anthropic":
        url = (given.base_url or "https://api.anthropic.com") + "/v1/messages"
        named = [{"name": t["name"], "description": t["description"], "input_schema": t["inputSchema"]} for t in tools]
        answer = post(url, {"x-api-key": key, "anthropic-version": "2023-06-01"},
                      {"model": given.model, "max_tokens": 2000, "system": instructions, "tools": named,
                       "messages": [{"role": "user", "content": say}]})
        return [{"tool": part["name"], "arguments": part["input"]}
                for part in answer["content"] if part["type"] == "tool_use"]
    url = (given.base_url or "https://api.openai.com/v1") + "/chat/completions"
    named = [{"type": "function", "function": {"name": t["name"], "description": t["description"],
                                               "parameters": t["inputSchema"]}} for t in tools]
    answer = post(url, {"Authorization": f"Bearer {key}"},
                  {"model": given.model, "tools": named,
                   "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": say}]})
    calls = answer["choices"][0]["message"].get("tool_calls") or []
    return [{"tool": c["function"]["name"], "arguments": json.loads(c["function"]["arguments"] or "{}")} for c in calls]


def is_like(value, wanted):
    if wanted == "*":
        return value is not None
    if isinstance(wanted, dict):
        if "~" in wanted:
            return isinstance(value, str) and re.search(wanted["~"], value) is not None
        if "in" in wanted:
            return any(is_like(value, one) for one in wanted["in"])
        if "between" in wanted:
            low, high = wanted["between"]
            return isinstance(value, (int, float)) and low <= value <= high
        return isinstance(value, dict) and all(is_like(value.get(name), part) for name, part in wanted.items())
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(is_like(one, part) for one in value) for part in wanted)
    if isinstance(wanted, str) and isinstance(value, str):
        return value.strip().lower() == wanted.strip().lower()
    return value == wanted


def unknown(call, tools):
    """Arguments that the tool does not have: a client would be refused."""
    known = next((t["inputSchema"]["properties"] for t in tools if t["name"] == call["tool"]), {})
    return sorted(set(call["arguments"]) - set(known))


def score(case, calls, tools):
    """Right tool, right arguments, and what was wrong."""
    if not calls:
        return False, False, "no tool was called"
    call = calls[0]
    if call["tool"] != case["tool"]:
        return False, False, f"{call['tool']} instead of {case['tool']}"
    if strange := unknown(call, tools):
        return True, False, f"no such argument: {', '.join(strange)}"
    if any(is_like(call["arguments"], wanted) for wanted in case["either"]):
        return True, True, ""
    return True, False, f"arguments {json.dumps(call['arguments'], ensure_ascii=False)[:200]}"


def sizes(tools, instructions):
    print(f"{'tool':22}{'schema':>8}{'description':>13}   (of {MOST_SCHEMA} bytes and {MOST_DESCRIPTION} characters)")
    for tool in tools:
        schema = len(json.dumps(tool["inputSchema"], separators=(",", ":"), ensure_ascii=False).encode())
        print(f"{tool['name']:22}{schema:8}{len(tool['description']):13}")
    print(f"{'instructions':22}{'':8}{len(instructions):13}\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", required=True, help="image-tool, whose tools are offered")
    arguments.add_argument("--answers", help="score these instead of asking a model")
    arguments.add_argument("--api", choices=["anthropic", "openai"])
    arguments.add_argument("--base-url")
    arguments.add_argument("--model")
    arguments.add_argument("--record", help="write the answers to this file")
    arguments.add_argument("--least", type=float, default=0.0, help="fail below this share of right calls, 0 to 1")
    given = arguments.parse_args()
    tools, instructions = ask_program(given.program)
    cases = [json.loads(line) for line in (HERE / "cases.jsonl").read_text().splitlines()]
    sizes(tools, instructions)
    if given.answers:
        recorded = [json.loads(line) for line in pathlib.Path(given.answers).read_text().splitlines()]
        recorded = {answer["say"]: answer["calls"] for answer in recorded}
    elif not (given.api and given.model):
        sys.exit("Name --answers, or --api and --model.")
    record = open(given.record, "w") if given.record else None
    by_tool = {}
    for case in cases:
        calls = recorded.get(case["say"], []) if given.answers else ask_model(given, tools, instructions, case)
        if record:
            record.write(json.dumps({"say": case["say"], "calls": calls}, ensure_ascii=False) + "\n")
        tool, right, wrong = score(case, calls, tools)
        counts = by_tool.setdefault(case["tool"], [0, 0, 0])
        counts[0] += 1
        counts[1] += tool
        counts[2] += right
        if wrong:
            print(f"wrong  {case['say']}\n       {wrong}")
    print(f"\n{'tool':22}{'cases':>6}{'tool right':>12}{'all right':>11}")
    for name, counts in by_tool.items():
        print(f"{name:22}{counts[0]:6}{counts[1]:12}{counts[2]:11}")
    total = [sum(column) for column in zip(*by_tool.values())]
    print(f"{'all':22}{total[0]:6}{total[1]:12}{total[2]:11}   {total[2] / total[0]:.1%}")
    sys.exit(total[2] / total[0] < given.least)


main()
