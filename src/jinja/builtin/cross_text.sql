{#- dbt's cross-database macros over text and values. -#}
{% macro default__concat(fields) -%}
{{ fields | join(' || ') }}
{%- endmacro %}

{% macro default__hash(field) -%}
md5(cast({{ field }} as {{ dbt.type_string() }}))
{%- endmacro %}

{% macro default__length(expression) -%}
length({{ expression }})
{%- endmacro %}

{% macro default__position(substring_text, string_text) -%}
position({{ substring_text }} in {{ string_text }})
{%- endmacro %}

{% macro default__replace(field, old_chars, new_chars) -%}
replace({{ field }}, {{ old_chars }}, {{ new_chars }})
{%- endmacro %}

{% macro default__right(string_text, length_expression) -%}
right({{ string_text }}, {{ length_expression }})
{%- endmacro %}

{#- Counts from the end if the number is negative; NULL if there is no such part. -#}
{% macro default__split_part(string_text, delimiter_text, part_number) -%}
(string_split({{ string_text }}, {{ delimiter_text }}))[{{ part_number }}]
{%- endmacro %}

{% macro default__escape_single_quotes(expression) -%}
{{ expression | replace("'", "''") }}
{%- endmacro %}

{% macro default__string_literal(value) -%}
'{{ value }}'
{%- endmacro %}

{#- `limit_num` keeps the first texts in the order of `order_by_clause`. -#}
{% macro default__listagg(measure, delimiter_text="','", order_by_clause=none, limit_num=none) -%}
{%- set ordered = measure ~ (' ' ~ order_by_clause if order_by_clause else '') -%}
{%- if limit_num -%}
array_to_string((array_agg({{ ordered }}))[1:{{ limit_num }}], {{ delimiter_text }})
{%- else -%}
string_agg({{ measure }}, {{ delimiter_text }}{{ ' ' ~ order_by_clause if order_by_clause }})
{%- endif -%}
{%- endmacro %}

{% macro default__any_value(expression) -%}
any_value({{ expression }})
{%- endmacro %}

{% macro default__bool_or(expression) -%}
bool_or({{ expression }})
{%- endmacro %}

{% macro default__equals(expr1, expr2) -%}
({{ expr1 }} = {{ expr2 }})
{%- endmacro %}

{% macro default__except() -%}
except
{%- endmacro %}

{% macro default__intersect() -%}
intersect
{%- endmacro %}

{% macro default__array_construct(inputs=[], data_type='integer') -%}
{%- if inputs | length > 0 -%}
[{{ inputs | join(', ') }}]
{%- else -%}
cast([] as {{ data_type }}[])
{%- endif -%}
{%- endmacro %}

{% macro default__array_append(array, new_element) -%}
list_append({{ array }}, {{ new_element }})
{%- endmacro %}

{% macro default__array_concat(array_1, array_2) -%}
list_concat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}
