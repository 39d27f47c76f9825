#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a scenario through the Python binding of examples/python.

usage: runner.py [--invoke|--start|--limit] vkvm-api.json SCENARIO.json [NAME=TEXT ...]

With --invoke, every function that the API calls by its name is called so; with --start,
by a thread of the library's; with --limit, while all connections limit the time of calls.

harness/README.md says what scenarios and transcripts are. VKVM_LIBRARY names the
library. The exit status is 1 when something was not as the scenario expects.
"""
import gc
import json
import os
import re
import sys

HOW = sys.argv.pop(1) if sys.argv[1].startswith("--") else None
os.environ["VKVM_API"] = sys.argv[1]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../examples/python"))
import vkvm  # noqa: E402 (it reads the API file while it is imported)

BY_CLASS = {name: python_class for name, python_class in vars(vkvm).items()
            if isinstance(python_class, type) and issubclass(python_class, vkvm.Object)}
BY_CLASS = {python_class.NAME: python_class for python_class in BY_CLASS.values()}
CONSTANTS = {constant["c_name"]: constant["value"] for constant in vkvm.API["constants"]}
FUNCTIONS = {f"{f['class']}.{f['method']}": f for f in vkvm.API["functions"]}
RESULTS_OF_MANY = ("string_list", "int_list", "handle_list")


class Malformed(Exception):
    """The scenario, not the library, is wrong."""


def quoted(data):
    """A text or bytes, the same in every language."""
    out = []
    for byte in data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data:
        character = chr(byte)
        if character in '"\\':
            out.append("\\" + character)
        else:
            out.append(character if 0x20 <= byte < 0x7f else f"\\x{byte:02x}")
    return '"' + "".join(out) + '"'


def show(data, names):
    """How a result is written; texts of the command line by their names."""
    if data is None:
        return "null"
    if isinstance(data, vkvm.Object):
        return f"<{data.NAME}>"
    if isinstance(data, (bool, int)):
        return str(int(data))
    if isinstance(data, float):
        return f"{data:.17g}"
    if isinstance(data, (list, tuple)):
        return "[" + ", ".join(show(item, names) for item in data) + "]"
    if isinstance(data, dict):
        keys = sorted(data, key=str.encode)
        return "{" + ", ".join(f"{quoted(key)}: {show(data[key], names)}" for key in keys) + "}"
    text = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    for name, value in names.items():
        text = text.replace(value.encode(), b"${" + name.encode() + b"}")
    return quoted(text)


def kind_of(data):
    """The kind of a result, as scenarios name it."""
    if isinstance(data, vkvm.Object):
        return data.NAME
    return {type(None): "null", bool: "number", int: "number", float: "number", str: "text",
            bytes: "text", list: "list", tuple: "list", dict: "map"}[type(data)]


def compare(data, wanted, names):
    """Whether a result is what is wanted, and how the transcript shows it."""
    literal = show(data, names)
    if isinstance(wanted, dict) and "$like" in wanted:
        text = data if isinstance(data, (str, bytes)) else literal
        text = text.decode("latin-1") if isinstance(text, bytes) else text
        fits = re.search(wanted["$like"], text) is not None
        return fits, f"like {quoted(wanted['$like'])}" if fits else literal
    if isinstance(wanted, dict) and "$any" in wanted:
        fits = kind_of(data) == wanted["$any"]
        return fits, f"any {wanted['$any']}" if fits else literal
    if isinstance(wanted, dict) and "$has" in wanted:
        part = wanted["$has"]
        if not isinstance(data, dict) or not set(part) <= set(data):
            return False, literal
        fits, text = compare({key: data[key] for key in part}, part, names)
        return fits, f"has {text}" if fits else literal
    if isinstance(wanted, list) and isinstance(data, (list, tuple)) and len(wanted) == len(data):
        found = [compare(item, other, names) for item, other in zip(data, wanted)]
        return all(fits for fits, _ in found), "[" + ", ".join(text for _, text in found) + "]"
    if isinstance(wanted, dict) and isinstance(data, dict) and set(wanted) == set(data):
        found = {key: compare(data[key], wanted[key], names) for key in sorted(data, key=str.encode)}
        return (all(fits for fits, _ in found.values()),
                "{" + ", ".join(f"{quoted(key)}: {text}" for key, (_, text) in found.items()) + "}")
    return literal == show(wanted, names), literal


class Run:
    """One run of a scenario."""

    def __init__(self, names):
        self.names, self.saved, self.events, self.wrong = names, {}, {}, 0

    def resolve(self, data):
        """What a part of the scenario stands for."""
        if isinstance(data, str):
            if data in CONSTANTS:
                return CONSTANTS[data]
            for name, value in self.names.items():
                data = data.replace("${" + name + "}", value)
            return data
        if isinstance(data, list):
            return [self.resolve(item) for item in data]
        if isinstance(data, dict) and "$" in data:
            return self.get(data["$"])
        if isinstance(data, dict) and "$callback" in data:
            return self.recorder(data)
        if isinstance(data, dict) and "$bytes" in data:
            return bytes.fromhex(data["$bytes"])
        if isinstance(data, dict):
            return {key: self.resolve(item) for key, item in data.items()}
        return data

    def get(self, reference):
        """A saved result: NAME for the first, NAME.2 for the third."""
        name, _, index = reference.partition(".")
        if name not in self.saved:
            raise Malformed(f"nothing is saved as {name}")
        return self.saved[name][int(index or 0)]

    def recorder(self, description):
        """A function that notes what it is called with."""
        noted = self.events.setdefault(description["$callback"], [])

        def note(*given):
            shown = [item for item in given if item is not None]
            if given and isinstance(given[-1], dict):  # an event: its arguments, without its id
                shown = [item for item in given[:-2] if item is not None] + list(given[-1].values())
            noted.append([show(item, self.names) for item in shown])
            return description.get("returns", 0)

        return note

    def call(self, step):
        """Calls a function; gives its results as one list."""
        if step["call"] not in FUNCTIONS:
            raise Malformed(f"there is no function {step['call']}")
        function = FUNCTIONS[step["call"]]
        bound = getattr(BY_CLASS[function["class"]], function["method"])
        given = {name: self.resolve(item) for name, item in step.get("with", {}).items()}
        subject = [self.get(step["on"])] if "on" in step else []
        outputs = [param for param in function["params"] if param["direction"] == "out"]
        if HOW and function["invokable"] and not any(map(callable, given.values())):
            try:
                return self.invoke(function, subject, given, outputs)
            except vkvm.VkvmError as error:
                # A handle that is closed cannot be put into a value.
                if error.parameter != "item":
                    raise
        results = bound(*subject, **given)
        self.limit(results)
        results = results if len(outputs) > 1 else [results] if outputs else []
        return self.flat(outputs, results)

    def invoke(self, function, subject, given, outputs):
        """The same by the function's name."""
        if subject:
            given = {**given, function["params"][0]["name"]: subject[0]}
        if HOW == "--start" and not function.get("this_thread"):
            call = vkvm.Call.start(function["name"], given)
            call.wait()
            result = call.get_result()
        else:
            result = vkvm.Call.invoke(function["name"], given)
        self.limit(result)
        if len(outputs) > 1:
            return self.flat(outputs, [result[param["name"]] for param in outputs])
        return self.flat(outputs, [result] if outputs else [])

    def limit(self, result):
        """Calls on a connection are to be limited, with time enough for all of them."""
        if HOW == "--limit" and isinstance(result, vkvm.Conn):
            result.set_call_timeout(600_000)

    def flat(self, outputs, results):
        """Lists are spread out."""
        flat = []
        for param, result in zip(outputs, results):
            spread = param["kind"] in RESULTS_OF_MANY or isinstance(result, list)
            flat.extend(result if spread else [result])
        return flat

    def step(self, number, step):
        """Does one step, and writes its line of the transcript."""
        if "free" in step:
            del self.saved[step["free"]]
            gc.collect()
            print(f"{number} free {step['free']}")
            return
        if "events" in step:
            what, arrow = f"events of {step['events']}", "are"
            noted = self.events.get(step["events"], [])
            fits, text = self.verdict_of_events(noted, step)
            noted.clear()
        else:
            what = step["call"]
            try:
                arrow, fits, text = "gives", True, None
                results = self.call(step)
                while "until" in step and \
                        len(self.events[step["until"]["events"]]) < step["until"]["count"]:
                    self.call(step)
                if step.get("sorted"):
                    results.sort(key=lambda item: show(item, self.names).encode())
                if "save" in step:
                    self.saved[step["save"]] = results
                wanted = self.resolve(step["gives"]) if "gives" in step else None
                fits, text = compare(results, wanted, self.names) if "gives" in step \
                    else ("fails" not in step, show(results, self.names))
            except vkvm.VkvmError as error:
                arrow, (fits, text) = "fails", self.verdict_of_error(error, step)
        self.wrong += not fits
        print(f"{number} {what} {arrow} {text}" + ("" if fits else "  <-- NOT AS EXPECTED"))

    def verdict_of_events(self, events, step):
        if "gives" not in step:
            return True, "[" + ", ".join("[" + ", ".join(event) + "]" for event in events) + "]"
        wanted, fits, texts = step["gives"], len(step["gives"]) == len(events), []
        for number, event in enumerate(events):
            items = wanted[number] if number < len(wanted) else []
            fits = fits and len(items) == len(event)
            found = [self.compare_shown(text, items[i] if i < len(items) else None)
                     for i, text in enumerate(event)]
            fits = fits and all(one for one, _ in found)
            texts.append("[" + ", ".join(text for _, text in found) + "]")
        return fits, "[" + ", ".join(texts) + "]"

    def compare_shown(self, text, wanted):
        if isinstance(wanted, dict) and "$any" in wanted:
            return text == f"<{wanted['$any']}>", text
        if isinstance(wanted, dict) and "$like" in wanted:
            fits = re.search(wanted["$like"], text) is not None
            return fits, f"like {quoted(wanted['$like'])}" if fits else text
        return text == show(self.resolve(wanted), self.names), text

    def verdict_of_error(self, error, step):
        fields = {name: value for name, value in vars(error).items() if value}
        wanted, texts, fits = self.resolve(step.get("fails", {})), [], "fails" in step
        for name in sorted(set(fields) | set(wanted)):
            found, text = compare(fields.get(name), wanted[name], self.names) if name in wanted \
                else (True, show(fields[name], self.names))
            fits = fits and found
            texts.append(f"{name}: {text}")
        return fits, "{" + ", ".join(texts) + "}"


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        scenario = json.load(file)
    run = Run(dict(argument.split("=", 1) for argument in sys.argv[3:]))
    for number, step in enumerate(scenario["steps"], 1):
        run.step(number, step)
        sys.stdout.flush()
    run.saved.clear()
    gc.collect()
    count = vkvm.API["helpers"]["handle_count"]
    count = next(f for f in vkvm.API["functions"] if f["name"] == count)
    count = getattr(BY_CLASS[count["class"]], count["method"])
    left = {one["name"]: count(one["name"]) for one in vkvm.API["classes"]}
    left = {name: number for name, number in left.items() if number}
    print("handles left:", show(left, {}))
    return 1 if run.wrong or left else 0


sys.exit(main())
