{#- The macros that jaffle-shop takes from its packages, laid in by hand: `projects.py` calls them by these names. -#}

{% macro laid_date_trunc(datepart, date) -%}
date_trunc('{{ datepart }}', {{ date }})
{%- endmacro %}

{% macro laid_surrogate_key(columns) -%}
md5(cast(
{%- for column in columns -%}
coalesce(cast({{ column }} as TEXT), '_dbt_utils_surrogate_key_null_'){{ " || '-' || " if not loop.last }}
{%- endfor -%}
 as TEXT))
{%- endmacro %}

{#- The last `n_dateparts` days, in the shape of dbt_utils.date_spine: powers of two, cross-joined and numbered. -#}
{% macro laid_base_dates(n_dateparts, datepart) -%}
with date_spine as (
    with p as (select 0 as generated_number union all select 1),
    numbered as (
        select
            {% for place in range(12) -%}
            p{{ place }}.generated_number * power(2, {{ place }}) + {% endfor -%}
            1 as generated_number
        from {% for place in range(12) -%}
        p as p{{ place }}{{ " cross join " if not loop.last }}{% endfor %}
    ),
    rawdata as (
        select generated_number from numbered where generated_number <= {{ n_dateparts }} order by generated_number
    ),
    all_periods as (
        select
            date_add(cast(date '2024-06-30' as timestamp) - interval ({{ n_dateparts }}) day,
                interval 1 day * (row_number() over (order by generated_number) - 1)) as date_day
        from rawdata
    )
    select * from all_periods
)
select cast(d.date_day as timestamp) as date_day from date_spine d
{%- endmacro %}
