"""Mutations of bytes, of text by the tokens of its language, and of JSON by its structure."""

import json
import re

NUMBERS = [
    "0", "-0", "-1", "1", "127", "255", "65536", "2147483647", "2147483648", "-2147483649", "4294967296",
    "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616",
    "1" + "0" * 40, "9" * 400, "1e308", "1e999", "-1e-999", "0.1", "NaN", "inf", "0x7fffffff", "1_000", "٣", "1.7976931348623157e309",
]
PLACES = ["", ".", "..", "../x", "./", "a//b", "%", "%2e%2e", "%00", "a\0b", "é" * 300, "x" * 300, "x" * 100_000, "C:\\x", "nul", "http://127.0.0.1:1/x", "file:///nowhere/x", "/nowhere/x", "*", "[", "**/*", "~"]
WORDS = {
    "yaml": ["[", "]", "{", "}", ": ", "- ", "? ", "&a ", "*a", "<<: *a", "!!binary ", "!!python/object ", "| \n", "> \n", "~", "null", "---\n", "...\n", "%YAML 9.9\n", "\t", "#", "yes", "0o17", "'", '"', "{{ ref('base') }}", "{{ var('x') }}", "{{ env_var('X') }}", "{{", "}}", "{%", "config:", "name:", "data_tests:", "columns:", "external:", "location:", "+schema:", "unique_key:", "version:", "\u2028", "\ufeff", "2021-02-30", "1.0", "[]", "{}"],
    "sql": ["select ", "from ", "where ", "group by ", "order by ", "having ", "limit ", "union all ", "except ", "intersect ", "join ", "lateral ", "over (", "partition by ", "case when ", "end", "cast(", "::", "interval ", "date ", "'", '"', "--", "/*", "*/", ";", "(", ")", "[", "]", ",", "*", "/", "//", "%", "||", "->", "x -> x", "=", "<>", "not ", "null", "is ", "in (", "exists (", "any (", "unnest(", "generate_series(1, 3)", "1e400", "$1", "?", "@", "`", "\\", "{{ ref('base') }}", "{{ this }}", "pivot ", "qualify ", "using ", "recursive ", "array_agg(", "repeat('x', 3)", "regexp_matches('a', '(')", "now()", "date '9999-12-31'", "E'\\x00'", "\u00a0", "struct_pack(a := 1)", "map {'a': 1}"],
    "jinja": ["{{", "}}", "{%", "%}", "{#", "#}", "{%- ", " -%}", "{% if ", "{% endif %}", "{% for x in y %}", "{% endfor %}", "{% set a %}", "{% endset %}", "{% macro f() %}", "{% endmacro %}", "{% call f() %}", "{% endcall %}", "{% raw %}", "{% endraw %}", "{% do x.append(1) %}", "| upper", "| join(',')", "| tojson", "| int", "| batch(0)", "| round(400)", "| indent(99999)", "range(99999)", "loop.index0", "ref('base')", "ref('nothing')", "ref()", "source('src', 'csv')", "var('x')", "env_var('PATH')", "config(materialized='x')", "this", "target.x.y", "none", "true", "[0][9]", "'a' * 3", "~", "**", "//", "%", "[:1]", ".__class__", "namespace(a=1)", "caller()", "varargs", "return(1)", "exceptions.raise_compiler_error('x')", "modules.datetime.datetime(1, 1, 1)", "fromjson('[')", "fromyaml('[')", "log('x')", "'%d' % 'a'", "'{:9999}'.format(1)", "adapter.dispatch('x')()"],
    "data": [",", "\n", "\r", "\r\n", '"', "'", '""', "\t", ";", "|", "\0", "\ufeff", "{", "}", "[", "]", ":", "null", "true", "2021-13-45", "0001-01-01", "9999-12-31", "-0001-01-01", "2021-01-01T25:00:00Z", "\\u0000", "\\ud800", "\\", "é", "\u202e", "id", "data", "columns", "{}", "[]"],
}
NESTS = {
    "yaml": [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("&a [", "]")],
    "sql": [("(", ")"), ("select * from (", ") t"), ("case when true then ", " end"), ("not ", ""), ("- ", ""), ("abs(", ")"), ("[", "]"), ("/*", "*/"), ("exists (select ", ")"), ("cast(", " as int)")],
    "jinja": [("{% if true %}", "{% endif %}"), ("{{ (", ") }}"), ("(", ")"), ("[", "]"), ("{'a': ", "}"), ("not ", ""), ("{% for x in [1] %}", "{% endfor %}"), ("-", ""), ("{% set a %}", "{% endset %}")],
    "data": [("[", "]"), ('{"a":', "}"), ('"', '"'), ("[{", "}]")],
}
BAD_UTF8 = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xc0\xaf", b"\xff\xfe", b"\xfe\xff\x00"]


def mutated(rng, data, language=None, others=()):
    """Returns the bytes after one to three mutations. `others` are documents of the same kind to splice in."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        steps = [flip, flip, truncate, remove, duplicate, insert, splice]
        if language:
            steps += [number, number, word, word, word, lines, lines, text, nest, long, place]
        data = rng.choice(steps)(rng, data, language, others)
    return data


def span(rng, data, most=64):
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice([1, 1, 2, 4, 8, 16, rng.randint(1, most), len(data) // 3 + 1]))


def flip(rng, data, *_):
    data = bytearray(data)
    # Headers and footers have the most influence.
    near = rng.choice([len(data), len(data), 64, 256])
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        if data:
            at = rng.randrange(min(near, len(data)))
            at = len(data) - 1 - at if rng.random() < 0.5 else at
            data[at] = rng.choice([data[at] ^ (1 << rng.randrange(8)), 0, 255, 127, 128, rng.randrange(256)])
    return bytes(data)


def truncate(rng, data, *_):
    at = rng.randrange(len(data) + 1)
    return rng.choice([data[:at], data[:at], data[at:], data[: max(0, len(data) - rng.randint(1, 12))], b""])


def remove(rng, data, *_):
    start, end = span(rng, data)
    return data[:start] + data[end:]


def duplicate(rng, data, *_):
    start, end = span(rng, data)
    times = rng.choice([1, 1, 2, 10, 1000 if end - start < 200 else 3])
    return data[:end] + data[start:end] * times + data[end:]


def insert(rng, data, *_):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice([rng.randbytes(rng.choice([1, 4, 100])), b"\0" * rng.choice([1, 8, 512]), b"\xff" * 8]) + data[at:]


def splice(rng, data, _, others):
    other = rng.choice(others) if others else data
    first, second = rng.randrange(len(data) + 1), rng.randrange(len(other) + 1)
    return data[:first] + other[second:]


def number(rng, data, *_):
    found = list(re.finditer(rb"-?\d+(\.\d+)?", data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(NUMBERS).encode() + data[one.end() :]


def word(rng, data, language, _):
    words = list(re.finditer(rb"\w+|[^\w\s]+|\s+", data))
    new = rng.choice(WORDS[language]).encode()
    if not words:
        return new
    one, other = rng.choice(words), rng.choice(words)
    return rng.choice([
        data[: one.start()] + new + data[one.end() :],
        data[: one.start()] + new + data[one.start() :],
        data[: one.start()] + other.group() + data[one.end() :],
        data[: one.start()] + data[one.end() :],
    ])


def lines(rng, data, *_):
    parts = data.split(b"\n")
    at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    step = rng.randrange(5)
    if step == 0:
        del parts[at]
    elif step == 1:
        parts.insert(other, parts[at])
    elif step == 2:
        parts[at], parts[other] = parts[other], parts[at]
    elif step == 3:
        parts[at] = b" " * rng.choice([1, 2, 4]) + parts[at]
    else:
        parts[at : at + 1] = [parts[at]] * rng.choice([2, 50, 2000 // (1 + len(parts[at]) // 50)])
    return b"\n".join(parts)


def text(rng, data, *_):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(BAD_UTF8) + data[at:]


def nest(rng, data, language, _):
    opening, closing = rng.choice(NESTS[language])
    depth = rng.choice([10, 100, 100, 1000, 10_000])
    start, end = span(rng, data)
    closing = closing * depth if rng.random() < 0.8 else ""
    return data[:start] + (opening * depth).encode() + data[start:end] + closing.encode() + data[end:]


def long(rng, data, *_):
    """Inserts a token with a very long name, or many tokens."""
    at = rng.randrange(len(data) + 1)
    size = rng.choice([300, 5000, 100_000, 1_000_000])
    return data[:at] + rng.choice([b"a", b"9", b" ", b"\n", b"a,", "é".encode(), b"x y "]) * size + data[at:]


def place(rng, data, *_):
    found = list(re.finditer(rb"(?<![\w./-])[\w./-]{0,200}[/.][\w./-]{1,200}", data))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(PLACES).encode() + data[one.end() :]


def json_lines(rng, data, language, others):
    """Applies one to three mutations to JSON documents, one per line, that keep them JSON; in one of four
    cases, mutates their bytes."""
    if rng.random() < 0.25:
        return mutated(rng, data, "data", others)
    parts = data.decode().splitlines() if b"\n" in data.strip() else [data.decode()]
    try:
        documents = [json.loads(part) for part in parts]
    except ValueError:
        try:
            documents = [json.loads(data)]
        except ValueError:
            return mutated(rng, data, "data", others)
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randrange(len(documents))
        step = rng.random()
        if step < 0.08:
            documents.insert(rng.randrange(len(documents) + 1), documents[at])
        elif step < 0.14 and len(documents) > 1:
            del documents[at]
        elif step < 0.2 and others:
            other = rng.choice(rng.choice(others).decode("utf-8", "replace").splitlines() or [""])
            try:
                documents.insert(at, json.loads(other))
            except ValueError:
                pass
        else:
            documents[at] = changed(rng, documents[at])
        if not documents:
            break
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def changed(rng, document):
    """Returns a document with one changed node. Text that is itself JSON (statistics, schemas) is changed
    inside."""
    nodes = []

    def walk(node, way):
        nodes.append(way)
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            walk(value, (*way, key))

    walk(document, ())
    return replaced(rng, document, rng.choice(nodes))


def replaced(rng, node, way):
    if way:
        node = dict(node) if isinstance(node, dict) else list(node)
        step = rng.random()
        if len(way) == 1 and step < 0.2:
            del node[way[0]]
        elif len(way) == 1 and step < 0.25 and isinstance(node, dict):
            node[str(way[0]) + "x"] = node.pop(way[0])
        else:
            node[way[0]] = replaced(rng, node[way[0]], way[1:])
        return node
    if isinstance(node, str) and node[:1] in "{[" and rng.random() < 0.8:
        try:
            return json.dumps(changed(rng, json.loads(node)))
        except ValueError:
            pass
    numbers = [0, 1, -1, 2**31, 2**53, 2**63 - 1, -(2**63), 2**64, 10**30, 1.5, 1e300]
    other = [None, True, False, "", [], {}, [[]], {"a": None}, "x", "2021-01-01", "é\0", *PLACES]
    if isinstance(node, (int, float)) and rng.random() < 0.7:
        return rng.choice(numbers + [node + 1, node - 1, str(node)])
    if isinstance(node, list) and node and rng.random() < 0.5:
        return rng.choice([node * 2, node[1:], node[::-1], node + [None]])
    if isinstance(node, str) and rng.random() < 0.4:
        return rng.choice([node[:-1], node + "x", node.upper(), node * 2, node[::-1]])
    return rng.choice(numbers + other)
