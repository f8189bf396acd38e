{% test not_null(model, column_name) %}
select * from {{ model }}
where {{ column_name }} is null
{% endtest %}

{% test not_empty_string(model, column_name, trim_whitespace=true) %}
select * from {{ model }}
where {% if trim_whitespace %}trim({{ column_name }}){% else %}{{ column_name }}{% endif %} = ''
{% endtest %}

{#- Values as a list in SQL: text in quotes, unless they are not wanted. -#}
{% macro test_values(test, values, quote) -%}
{%- if values is string or values is not sequence or values | length == 0 -%}
{{ test_argument(test, 'values', 'a list of values') }}
{%- endif -%}
{#- A NULL in the list would make every comparison NULL, and the test could never fail. -#}
{%- for value in values if value is not none -%}
{%- if value is string and quote -%}
'{{ value | replace("'", "''") }}'
{%- else -%}
{{ value }}
{%- endif -%}
{%- if not loop.last %}, {% endif -%}
{%- endfor -%}
{%- endmacro %}

{#- As in dbt, each value counts once. -#}
{% test accepted_values(model, column_name, values, quote=true) %}
select
    {{ column_name }} as value_field,
    count(*) as n_records
from {{ model }}
where {{ column_name }} not in ({{ test_values('accepted_values', values, quote) }})
group by {{ column_name }}
{% endtest %}

{% test not_accepted_values(model, column_name, values, quote=true) %}
select * from {{ model }}
where {{ column_name }} in ({{ test_values('not_accepted_values', values, quote) }})
{% endtest %}

{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
{%- if min_value is none and max_value is none -%}
{{ test_argument('accepted_range', 'min_value', 'a number, unless `max_value` is given') }}
{%- endif -%}
select * from {{ model }}
where
{%- if min_value is not none %} {{ column_name }} {{ '<' if inclusive else '<=' }} {{ min_value }}{% endif -%}
{%- if min_value is not none and max_value is not none %} or{% endif -%}
{%- if max_value is not none %} {{ column_name }} {{ '>' if inclusive else '>=' }} {{ max_value }}{% endif %}
{% endtest %}

{% test expression_is_true(model, expression, column_name=none) %}
select * from {{ model }}
where not ({% if column_name is not none %}{{ column_name }} {% endif %}{{ expression }}
)
{% endtest %}
