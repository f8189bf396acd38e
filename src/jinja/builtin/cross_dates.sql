{#- dbt's cross-database macros over dates, and series of dates and numbers. -#}
{% macro default__current_timestamp_backcompat() -%}
cast(now() as timestamp)
{%- endmacro %}

{% macro default__current_timestamp_in_utc_backcompat() -%}
cast(now() as timestamp)
{%- endmacro %}

{% macro default__snapshot_get_time() -%}
cast(now() as timestamp)
{%- endmacro %}

{% macro default__date(year, month, day) -%}
make_date({{ year }}, {{ month }}, {{ day }})
{%- endmacro %}

{% macro default__date_trunc(datepart, date) -%}
date_trunc('{{ datepart }}', {{ date }})
{%- endmacro %}

{#- A date in quotes is one here as on most warehouses, where DuckDB's `+` would take it for text. -#}
{% macro default__dateadd(datepart, interval, from_date_or_timestamp) -%}
{%- set from = from_date_or_timestamp | string | trim -%}
{%- set is_text = modules.re.match("'[^']*'$", from) -%}
({{ 'cast(' ~ from ~ ' as timestamp)' if is_text else from_date_or_timestamp }} + cast({{ interval }} as bigint) * interval '1 {{ datepart }}')
{%- endmacro %}

{#- Counts the boundaries between the two, not whole units of time. -#}
{% macro default__datediff(first_date, second_date, datepart) -%}
date_diff('{{ datepart }}', cast({{ first_date }} as timestamp), cast({{ second_date }} as timestamp))
{%- endmacro %}

{% macro default__last_day(date, datepart) -%}
{%- set next = ('month', 3) if datepart == 'quarter' else (datepart, 1) -%}
{%- set first = dbt.date_trunc(datepart, date) -%}
cast({{ dbt.dateadd('day', -1, dbt.dateadd(next[0], next[1], first)) }} as date)
{%- endmacro %}

{% macro default__get_powers_of_two(upper_bound) -%}
{%- if upper_bound <= 0 -%}
{%- do exceptions.raise_compiler_error('upper bound must be positive') -%}
{%- endif -%}
{%- for power in range(1, 100) if upper_bound <= 2 ** power -%}
{%- if loop.first -%}{{ return(power) }}{%- endif -%}
{%- endfor -%}
{%- endmacro %}

{% macro default__generate_series(upper_bound) -%}
select unnest(range(1, {{ upper_bound }} + 1)) as generated_number
{%- endmacro %}

{#- One row for each unit of time from the start up to the end, without the end. -#}
{% macro default__date_spine(datepart, start_date, end_date) -%}
with rawdata as (
    select unnest(range(0, {{ dbt.datediff(start_date, end_date, datepart) }})) as generated_number
),

all_periods as (
    select {{ dbt.dateadd(datepart, 'generated_number', start_date) }} as date_{{ datepart }}
    from rawdata
)

select * from all_periods
where date_{{ datepart }} <= {{ end_date }}
{%- endmacro %}
