{#- Whether a half-open period, [valid_from, valid_to), holds on a day. An open end is null. -#}
{% macro valid_on(day, relation) -%}
    {{ relation }}.valid_from <= {{ day }}
    and ({{ relation }}.valid_to is null or {{ day }} < {{ relation }}.valid_to)
{%- endmacro %}
