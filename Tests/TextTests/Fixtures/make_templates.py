#!/usr/bin/env python3
"""Makes templates.jsonl with the PyPI packages transformers (5.24) and jinja2 (3.1.6).

Usage: make_templates.py [FOLDER]

Each line is a template, the variables it is rendered with, and the text that transformers' own environment for chat
templates makes of it, or "fails": true where that refuses. The templates are written here after the documented prompt
formats of the families they are named for. Values are tagged, so that the order of a mapping's keys is kept: {"s": text},
{"i": integer}, {"f": number}, {"b": boolean}, {"l": list}, {"d": [[key, value], ...]}, {"n": 0} for none.
"""
import datetime, json, pathlib, sys
from transformers.utils import chat_template_utils

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
TODAY = datetime.datetime(2024, 7, 26, 12)

FAMILIES = {
    "chatml": """{% for message in messages %}
{{ '<|im_start|>' ~ message.role }}
{{ message['content'] + '<|im_end|>' }}
{% endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant' }}
{% endif %}
""",
    "smollm": """{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}<|im_start|>system
You are a helper.<|im_end|>
{% endif %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '\\n<|im_start|>assistant\\n' }}{% endif %}""",
    "llama2": """{% if messages[0]['role'] == 'system' %}{% set turns = messages[1:] %}{% set system = messages[0]['content'] %}
{% else %}{% set turns = messages %}{% set system = false %}{% endif %}
{% for message in turns %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must take turns: user, assistant, user, ...') }}
    {%- endif %}
    {%- if loop.index0 == 0 and system is not false %}
        {%- set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}
    {%- else %}
        {%- set content = message['content'] %}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' ~ content.strip() ~ ' ' ~ eos_token }}
    {%- endif %}
{%- endfor %}""",
    "llama3": """{{- bos_token }}
{%- if not date_string is defined %}{% set date_string = strftime_now("%d %b %Y") if strftime_now is defined else "26 Jul 2024" %}{% endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system + "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if message.tool_calls|length != 1 %}{{ raise_exception("one call at a time") }}{% endif %}
        {%- set call = message.tool_calls[0].function %}
        {{- '{"name": "' + call.name + '", "parameters": ' }}
        {{- call.arguments | tojson }}
        {{- "}" }}
    {%- else %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}{{- message.content }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}""",
    "qwen": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- "# Tools\\n<tools>" }}
    {%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi=true, last=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set thought = '' %}
        {%- if message.reasoning_content is string %}
            {%- set thought = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or (not loop.last and thought)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}{{- '\\n' }}{%- endif %}
                {%- if call.function %}{%- set call = call.function %}{%- endif %}
                {{- '<tool_call>\\n{"name": "' }}{{- call.name }}{{- '", "arguments": ' }}
                {%- if call.arguments is string %}{{- call.arguments }}{%- else %}{{- call.arguments | tojson }}{%- endif %}
                {{- '}\\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}""",
    "mistral": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}{%- set loop_messages = messages[1:] %}
{%- else %}{%- set loop_messages = messages %}{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}{{- '"' + key + '": "' + val + '"' }}
                    {%- else %}{{- '"' + key + '": ' + val|tojson }}{%- endif %}
                    {%- if not loop.last %}{{- ", " }}{%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}{{- "[INST] " + message["content"] + "[/INST]" }}{%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for call in message.tool_calls %}
            {%- set out = call.function|tojson %}{{- out[:-1] }}
            {%- if not call.id is defined or call.id|length != 9 %}{{- raise_exception("ids have 9 characters") }}{%- endif %}
            {{- ', "id": "' + call.id + '"}' }}
            {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" + eos_token }}{%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}{{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool" %}{{- '[TOOL_RESULTS] {"content": ' + message.content|string + "}[/TOOL_RESULTS]" }}
    {%- else %}{{- raise_exception("only user, assistant and tool turns") }}{%- endif %}
{%- endfor %}""",
    "phi3": """{% for message in messages %}{% if message['content'] %}{{'<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}""",
    "gemma": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}{%- set prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}{%- set prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}{%- endif -%}
    {%- set turns = messages[1:] -%}
{%- else -%}{%- set prefix = "" -%}{%- set turns = messages -%}{%- endif -%}
{%- for message in turns -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception("roles must take turns") }}{%- endif -%}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\\n' + (prefix if loop.first else "") }}
    {%- if message['content'] is string -%}{{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}{{ '<start_of_image>' }}{%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
        {%- endfor -%}
    {%- else -%}{{ raise_exception("content of no known type") }}{%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{'<start_of_turn>model\\n'}}{%- endif -%}""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "deepseek": """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(first=false, is_tool=false, outs=0, system='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system = ns.system ~ message['content'] %}{%- endif %}{%- endfor %}{{ bos_token }}{{ ns.system }}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<U>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<A>' + content + eos_token}}{%- endif %}{%- if message['role'] == 'tool' %}{% set ns.outs = ns.outs + 1 %}{{ '<T' ~ ns.outs ~ '>' + message['content'] }}{%- endif %}{%- endfor -%}{% if add_generation_prompt and not ns.is_tool %}{{'<A><think>\\n'}}{% endif %}""",
    "commandr": """{{ bos_token }}{%- macro document_turn(documents) -%}
{# one block for each document #}
{%- for document in documents %}<doc id={{ loop.index0 }}>{{ document['title'] | title }}: {{ document.text }}</doc>
{% endfor -%}
{%- endmacro -%}
{%- macro kind(schema, required=false) -%}
  {%- if schema.type == 'array' -%}List[{{ kind(schema.get('items', {})) }}]
  {%- elif schema.type == 'object' -%}{ {%- for name, part in schema.properties | dictsort -%}{{ name }}{{ '' if name in (schema.required or []) else '?' }}: {{ kind(part, required=name in (schema.required or [])) }}{{ ', ' if not loop.last }}{%- endfor -%} }
  {%- elif schema.enum is defined -%}{{ schema.enum | join(' | ') }}
  {%- else -%}{{ schema.type | default('any', true) }}{%- endif -%}
{%- endmacro -%}
{% for message in messages %}{% if loop.first and message.role == 'system' %}<|SYSTEM|>{{ message.content }}
{% elif message.role == 'user' %}<|USER|>{{ message.content }}
{% elif message.role|lower == 'assistant' %}<|BOT|>{{ message.content or '' }}
{% endif %}{% endfor %}
{% if documents %}{{ document_turn(documents) }}{% endif %}
{% for tool in tools or [] %}{{ tool.function.name }}({{ kind(tool.function.parameters) | indent(2) }}){{ '\\n' }}{% endfor %}
{%- if add_generation_prompt %}<|BOT|>{% endif %}""",
    "generation": """{% for message in messages %}{% if message.role == 'assistant' %}<|assistant|>
{% generation %}{{ message.content }}<|end|>{% endgeneration %}

{% else %}<|{{ message.role }}|>
{{ message.content }}<|end|>
{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}""",
}


def turn(role, content, **more):
    return {"role": role, "content": content, **more}


def call(name, arguments, id="abcdefghi"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


TOOLS = [
    {"type": "function", "function": {
        "name": "tide", "description": "Tells the <tide> & the \"hour\".\nÀ la carte.", "parameters": {
            "type": "object", "required": ["port"], "properties": {
                "port": {"type": "string"}, "days": {"type": "integer", "default": 3},
                "kinds": {"type": "array", "items": {"enum": ["low", "high"]}},
                "options": {"type": "object", "properties": {"metric": {"type": "boolean"}}}}}}},
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]
CONVERSATIONS = {
    "question": [turn("user", "What is 2 + 2?")],
    "system": [turn("system", " Be brief. "), turn("user", "Hi <|im_end|> you"), turn("assistant", "Hello!"), turn("user", "And?")],
    "white": [turn("user", "  a\n\n"), turn("assistant", "\n b "), turn("user", "\tc")],
    "scripts": [turn("user", "Été — 川 🌊\n\tcode `x`"), turn("assistant", "Ja & <b>\"q\"</b> 'p' \\ \u0007")],
    "thoughts": [turn("user", "Why?"), turn("assistant", "<think>\nas it is\n</think>\n\nSo."), turn("user", "More?"), turn("assistant", "<think>hm</think>Yes.")],
    "reason": [turn("user", "Why?"), turn("assistant", "So.", reasoning_content="\ndeep\n")],
    "calls": [turn("user", "Tide?"), turn("assistant", "", tool_calls=[call("tide", {"port": "Brest", "days": 2, "x": 1.5, "no": None, "yes": True, "all": [1, "é"]})]), turn("tool", "{\"m\": 2}", name="tide"), turn("assistant", "Two.")],
    "twice": [turn("system", "S"), turn("user", "Both"), turn("assistant", "Well", tool_calls=[call("now", {}), call("tide", "{}", "bcdefghij")]), turn("tool", "noon"), turn("tool", "low")],
    "parts": [turn("user", [{"type": "text", "text": " Look "}, {"type": "image"}])],
    "order": [turn("user", "a"), turn("user", "b")],
    "none": [],
}

DATA = {
    "a": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "t": "Hello, World", "n": 7, "x": 2.5, "no": None, "yes": True,
    "d": {"b": 1, "a": 2, "C": 3}, "rows": [{"k": "x", "v": 1, "in": {"z": [5]}}, {"k": "y", "v": 2, "in": {"z": [6]}}, {"v": 3}], "e": [], "u": "Été\u0085ß ΑΣ",
}
EXPRESSIONS = """
1 + 2 * 3 - 4, 7 // 2, -7 // 2, 7 % 3, -7 % 3, 7 / 2, 2 ** 10, -2 ** 2, 7.5 // 2, -7.5 % 2, 1e3, 1.5e-7, 1_000, 0.1 + 0.2, 1/3, 1e16 * 1, 123456789.0, 1e22, 5e-324, 3 == 3.0, 1 == true, '1' == 1, none == false
1 < 2 < 3, 1 < 3 < 2, 'a' < 'b', [1, 2] < [1, 3], 2 >= 2.0, 'ell' in t, 4 in a, 'a' in d, 1 not in a, not 1 in a, true and 0 or 'z', '' or none, 3 and 4, not '', n if yes else 0, (n if no), 'q' if no else 'r' if no else 's'
a[0], a[-1], a[5] is defined, a[1:], a[:-1], a[::-1], a[::2], a[-2:], a[5:], a[2:0:-1], t[0], t[-1], t[1:4], t[::-1], t[:100], t[7:][:-1], d.a, d['b'], d.zz is defined, d.items() | list, d.keys() | list, d.values() | list, d.get('q'), d.get('q', 9), d.get('a')
rows[0].in.z[0], rows[2].k is defined, rows[0]['v'], rows.0.k, (1, 2), (1,), [], {}, {'a': [1, 'b', none, true, 2.0]}, ["it's", 'q"', 'a\\nb\\t\\\\'], t ~ 1 ~ none ~ true ~ 1.0 ~ a, 'ab' * 3, [1] * 2, 2 * 'x', 'a' 'b', "\\x41\\u00e9\\101", '\\d', '%s is %d%%' % ('n', 3), '%s' % t
t | upper, t | lower, 'heLLo wORLD-x (y' | title, 'éTÉ x' | capitalize, '  x ' | trim, 'xxaxx' | trim('x'), t | replace('l', 'L', 1), t | replace('', '-'), u | upper, u | lower, 'ß' | capitalize, u.title(), u.split(), u.splitlines(), t | length, a | count, d | length, e | length, a | first, a | last, e | first is defined, t | first, t | list
a | sort, a | sort(reverse=true), words | sort, words | sort(case_sensitive=true), rows[:2] | sort(attribute='v', reverse=true) | map(attribute='k') | list, words | unique | list, words | unique(true) | list, a | reverse | list, t | reverse, a | sum, rows | sum(attribute='v'), a | max, a | min, words | max
a | join, a | join(', '), rows[:2] | join('+', attribute='k'), a | map('string') | join('-'), words | map('upper') | list, rows | map(attribute='k', default='?') | list, rows | map(attribute='in.z.0', default=0) | list, a | select('odd') | list, a | reject('gt', 1) | list, rows | selectattr('k') | list | length, rows | selectattr('k', 'defined') | map(attribute='v') | list, rows | rejectattr('v', 'equalto', 2) | list | length, [0, 1, '', 'b'] | select | list, no | select | list, e | map('upper') | list
d | dictsort, d | dictsort(true), d | dictsort(by='value', reverse=true), d | items | list, d | list, zz | items | list, [1, 2, 3, 4, 5] | batch(2) | list, [1, 2, 3] | batch(2, 0) | list, 'a\\nb\\n\\nc' | indent, 'a\\nb' | indent(2, true), 'a\\n\\nb' | indent('> ', blank=true), '' | indent, '7' | int, 'x' | int, 'x' | int(5), '3.9' | int, 3.9 | int, -3.9 | int, true | int, '1.5' | float, 'z' | float, 2 | float, none | int
zz | default('d'), no | default('d'), no | default('d', true), '' | d('e', boolean=true), zz.y | default('p') if zz is defined else 'none', 2.5 | round, 3.5 | round, 2.1 | round(method='ceil'), -3 | abs, 7 | round, none | string, 1.0 | string, a | string, d | string, true | string, zz | string, [zz] | string
d | tojson, a | tojson(indent=2), {'k': [], 'm': {}, 's': 'é\\u2028"\\\\/\\n\\x07', 'f': 1.0, 'g': 1e20, 'n': none} | tojson, {'k': [1], 'm': {'b': 1, 'a': []}} | tojson(indent=1, sort_keys=true), 'é🌊' | tojson(ensure_ascii=true), [1, {'a': 2}] | tojson(separators=(',', ':')), {1: 2, none: 3, true: 4, 1.5: 5} | tojson, (1, 2) | tojson
'<&"\\'>' | e, ('<' | safe) + '<', ('<' | e) + '>' + ('&' | safe), '<' | e | upper, ['<' | e, '>'] | join, ('<' | e) ~ '<', t.split(','), t.split(), 'a,b,c'.split(',', 1), ' a  b '.split(), 'aXbXc'.rsplit('X', 1), 'a  b'.split(' '), 'a b c'.split(none, 1), 'a b c'.rsplit(maxsplit=1), t.upper(), t.lower(), t.find('o'), t.rfind('o'), t.find('zz'), t.count('l'), t.index('W'), t.replace('l', ''), t.startswith('He'), t.endswith(('x', 'ld'))
'  x '.strip(), 'xyax'.lstrip('xy'), 'axyx'.rstrip('xy'), 'a-b-c'.partition('-'), 'a-b-c'.rpartition('-'), 'pre-x'.removeprefix('pre-'), 'x.py'.removesuffix('.py'), '7'.zfill(3), '-7'.zfill(4), ', '.join(['a', 'b']), '{} and {1}'.format('x', 'y') if false else '{} {}'.format(1, 'z'), '{{{a}}}'.format(a=2), 'aB1'.isalnum(), 'aB'.isalpha(), '12'.isdigit(), ' \\t'.isspace(), 'AB1'.isupper(), 'ab1'.islower(), ''.isdigit(), 'hello world'.title(), 'hELLO'.capitalize()
t is string, n is number, yes is number, yes is boolean, n is integer, x is float, no is none, a is sequence, a is iterable, t is iterable, d is mapping, d is sequence, zz is defined, zz is undefined, n is odd, n is even, n is divisibleby 7, n is divisibleby(2), t is upper, 'abc' is lower, n is eq 7, n is gt(6), n is in [7], 'a' is in 'abc', n is not none, no is sameas none, yes is true, yes is false, 1 is true, range is callable, t is callable, zz is iterable, zz is sequence, 'trim' is filter, 'odd' is test
range(3) | list, range(1, 7, 2) | list, range(3, 0, -1) | list, range(3) | last, range(3)[1], range(0) | length, dict(a=1, b=2), dict({'x': 1}, y=2) if false else dict({'x': 1}), namespace(a=1).a, namespace(a=1).b is defined, strftime_now('%Y-%m-%d %A %a %B %b %d %-d %j %H:%M:%S %p %I %y %e %F %%'), a.count(1), a.index(2), (1, 2, 2).count(2), 'x' if zz, [] == e, [1, [2]] == [1, [2]], {'a': 1} == {'a': 1.0}, '' == e
a.append(4), d.pop('a'), d.update({}), t.nothing(), zz.y.z, zz + 1, 1 + 'a', 'a' + 1, 1 < 'a', 1 / 0, 1 % 0, a['x'].y, none | length, 5 | list, 3 | join, raise_exception('no'), [1] + (2,), 'x' * 1.5, -'a', {[1]: 2}, t[1.5] is defined, d[[1]], '{} {}'.format(1), '%d' % 'x', 'a'.index('z'), none in none, 1 in 'a', range(1000000), zz | tojson, range | tojson, zz(), t(), 'x' | nofilter, 1 is notest, [2, 'a'] | sort
"""
TEXTS = [
    "a\n{% if true %}\n  b\n{% endif %}\nc\n", "  {% if true %} x {% endif %}  \n", "a {%- if true -%}  b  {%- endif -%} c", "a\n  {{ 1 }}\n  {{- 2 -}}\n b",
    "a\n   {#- c -#}  \n b {# x #}\nc", "{% if true +%}\nx{% endif %}", "  {%+ if true %}x{% endif %}", "{% raw %}{{ a }}{% b %}{% endraw %}\nx", " {%- raw -%} {{ a }} {%- endraw -%} x", "x\n\n", "x\n\n\n{# e #}\n",
    "a\r\nb\rc{% if true %}\r\nd{% endif %}", "{{ 'a\r\nb' }}", "{{- 'x' -}}\n\n y", "{% for i in range(2) %}\n{{ i }}\n{% endfor %}\n", "\t{% set x = 1 %}\n{{ x }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ '}}' }}{{ '%}' }}", "{#\n-#} x",
    "{% for i in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.changed(i // 2) }}{{ loop.depth }} {% endfor %}",
    "{% for a, b in {'x': 1, 'y': 2}.items() %}{{ a }}={{ b }};{% else %}none{% endfor %}{% for a in [] %}x{% else %}none{% endfor %}",
    "{% for (a, (b, c)) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for i in range(10) if i is odd %}{{ i }}/{{ loop.length }} {% endfor %}",
    "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > 4 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for c in 'abc' %}{{ c }}{% for d in [1, 2] %}{{ loop.index }}{{ d }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "{% set ns = namespace(x=1, y='a') %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% set ns.z = i %}{% endfor %}{{ ns.x }}{{ ns.z }}{{ ns.q is defined }}",
    "{% if x is defined %}a{% elif false %}b{% else %}{% set x = 3 %}{% endif %}{{ x }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, %}{{ c }}", "{% set x %}\n  {{ 1 }} y\n{% endset %}[{{ x }}]{% set z | upper | trim %} q {% endset %}[{{ z }}]",
    "{% macro f(a, b=2, c=a) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, 3) }} {{ f(b=5, a=4) }} {{ f() }}", "{% macro f(n) %}{% if n %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(4) }}{{ f(2) | length }}",
    "{% macro wrap(t) %}<{{ t }}>{{ caller(1) }}</{{ t }}>{% endmacro %}{% call(x) wrap('p') %}in {{ x }}{% endcall %}", "{% macro f() %}{{ g }}{% endmacro %}{% set g = 1 %}{{ f() }}{% set g = 2 %}{{ f() }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}", "{% for i in [1, 2] %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}", "{% filter upper %}a{{ 'b' }}{% endfilter %}{% filter replace('a', 'b') | trim %} a {% endfilter %}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% set a = 5 %}{{ a }}{% endwith %}{{ a is defined }}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}", "{% set g = [1, 2] | map('string') %}{{ g | list }}{{ g | list }}", "{% if a %}", "{% endif %}", "{{ 1 ", "{{ 'a }}", "{{ a b }}", "{% for i in %}{% endfor %}", "{# x", "{{ ) }}", "{% set 1 = 2 %}", "{% break %}", "{% bogus %}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{% set q.a = 1 %}", "{{ [1, 2, 3,] }}{{ {'a': 1,} }}{{ dict(a=1,) }}", "{% if not true is false %}y{% endif %}{{ 1 if true is true and false is not true }}", "{{ -1 | abs }}{{ (-1) | abs }}{{ 2 ** 3 ** 2 }}{{ 1 - -1 }}{{ +3 }}{{ not not 1 }}",
    "{% for m in rows %}{{ m.k or '?' }}{{ ', ' if not loop.last }}{% endfor %}", "{{ rows | map(attribute='k') | list | tojson if rows[2].k else 'w' }}", "{% print 1, 'a' %}", "{% set loop_count = rows | length %}{{ loop_count }}{% set _ = d.items() %}{{ _ | list }}", "{% generation %}a{% set gg = 1 %}{% endgeneration %}{{ gg is defined }}",
    "{{ a }}{{ d }}{{ no }}{{ yes }}{{ x }}{{ zz }}{{ t }}", "{{ t\n   | upper\n}}{{\n1}}", "{{ loop is defined }}", "{{ lst is defined }}", "{% if a is sequence and a is not string and a is not mapping %}list{% endif %}", "{{ d.items is callable }}", "{{ 'x' ~ (1 + 2) }}",
]


def tagged(value):
    if value is None: return {"n": 0}
    if isinstance(value, bool): return {"b": value}
    if isinstance(value, int): return {"i": value}
    if isinstance(value, float): return {"f": value}
    if isinstance(value, str): return {"s": value}
    if isinstance(value, list): return {"l": [tagged(item) for item in value]}
    return {"d": [[tagged(key), tagged(item)] for key, item in value.items()]}


def rendered(template, variables):
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        return {"text": compiled.render(strftime_now=TODAY.strftime, **variables)}
    except Exception:
        return {"fails": True}


lines = []
for name, template in FAMILIES.items():
    cases = []
    for conversation, messages in CONVERSATIONS.items():
        for tools in (None, TOOLS):
            for opens, more in ((False, {}), (True, {}), (True, {"enable_thinking": False, "documents": [{"title": "a tide-table", "text": "x"}]})):
                variables = {"messages": messages, "tools": tools, "documents": None, "add_generation_prompt": opens, "bos_token": "<s>", "eos_token": "</s>", **more}
                case = {"name": conversation, "tools": tools is not None, "opens": opens, "more": {key: tagged(value) for key, value in more.items()}}
                cases.append(case | rendered(template, variables))
    lines.append({"family": name, "template": template, "cases": cases})
data = {"conversations": {name: tagged(messages) for name, messages in CONVERSATIONS.items()}, "tools": tagged(TOOLS), "data": tagged(DATA)}
pieces = []
for line in EXPRESSIONS.strip().split("\n"):
    depth, quote, start, cut = 0, None, 0, []
    for index, character in enumerate(line):
        if quote:
            if character == quote and line[index - 1] != "\\": quote = None
        elif character in "'\"": quote = character
        elif character in "([{": depth += 1
        elif character in ")]}": depth -= 1
        elif character == "," and depth == 0:
            cut.append(line[start:index])
            start = index + 1
    pieces += cut + [line[start:]]
rows = []
for piece in pieces:
    rows.append({"template": "{{ " + piece.strip() + " }}"} | rendered("{{ " + piece.strip() + " }}", DATA))
for text in TEXTS: rows.append({"template": text} | rendered(text, DATA))
with open(folder / "templates.jsonl", "w", encoding="utf-8") as file:
    for value in [data, {"rows": rows}] + lines: file.write(json.dumps(value, ensure_ascii=False) + "\n")
print(len(rows), sum("fails" in row for row in rows), sum(len(line["cases"]) for line in lines))
