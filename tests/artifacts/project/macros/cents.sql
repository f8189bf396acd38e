{% macro cents(expression, digits=2) -%}
cast(round({{ expression }}, {{ digits }}) as decimal(30, {{ digits }}))
{%- endmacro %}
