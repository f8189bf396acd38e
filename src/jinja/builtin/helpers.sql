{#- The rows that a test reads: the relation itself, unless the test's `where` leaves out some rows. -#}
{% macro get_where_subquery(relation) -%}
{{ return(adapter.dispatch('get_where_subquery', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__get_where_subquery(relation) -%}
{%- set where = config.get('where') -%}
{%- if not where -%}
{{ return(relation) }}
{%- endif -%}
(select * from {{ relation }} where {{ where }}
) dbt_subquery
{%- endmacro %}

{% macro should_store_failures() -%}
{{ return(config.get('store_failures') or false) }}
{%- endmacro %}

{% macro default__current_timestamp() -%}
now()
{%- endmacro %}

{#- Says that an argument is not what it should be. -#}
{% macro test_argument(test, argument, takes) -%}
{%- do exceptions.raise_compiler_error("`" ~ argument ~ "` of the test `" ~ test ~ "` takes " ~ takes) -%}
{%- endmacro %}

{#- A list of columns, as SQL; a single one is a list of one. -#}
{% macro test_columns(test, argument, columns) -%}
{%- if columns is string -%}
{{ columns }}
{%- elif columns is sequence and columns | length > 0 -%}
{{ columns | join(', ') }}
{%- else -%}
{{ test_argument(test, argument, 'a list of columns') }}
{%- endif -%}
{%- endmacro %}

{#- A span of time, as SQL. -#}
{% macro test_interval(test, interval, datepart) -%}
{%- if datepart not in ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'] -%}
{{ test_argument(test, 'datepart', 'second, minute, hour, day, week, month or year') }}
{%- elif interval is not integer -%}
{{ test_argument(test, 'interval', 'a whole number') }}
{%- endif -%}
interval '{{ interval }} {{ datepart }}'
{%- endmacro %}
