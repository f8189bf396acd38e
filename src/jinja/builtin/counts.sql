{% test row_count_between(model, min_value=none, max_value=none) %}
{%- if min_value is none and max_value is none -%}
{{ test_argument('row_count_between', 'min_value', 'a number, unless `max_value` is given') }}
{%- endif -%}
with counted as (

    select count(*) as row_count from {{ model }}

)

select row_count from counted
where
{%- if min_value is not none %} row_count < {{ min_value }}{% endif -%}
{%- if min_value is not none and max_value is not none %} or{% endif -%}
{%- if max_value is not none %} row_count > {{ max_value }}{% endif %}
{% endtest %}

{% test equal_rowcount(model, compare_model) %}
with counted as (

    select count(*) as row_count from {{ model }}

),

compared as (

    select count(*) as compared_row_count from {{ compare_model }}

)

select row_count, compared_row_count
from counted
cross join compared
where row_count <> compared_row_count
{% endtest %}

{% test not_null_proportion(model, column_name, at_least, at_most=1.0) %}
with counted as (

    select cast(count({{ column_name }}) as double precision) / nullif(count(*), 0) as not_null_proportion
    from {{ model }}

)

select not_null_proportion from counted
where not_null_proportion < {{ at_least }} or not_null_proportion > {{ at_most }}
{% endtest %}

{% test at_least_one(model, column_name) %}
with counted as (

    select count({{ column_name }}) as filled from {{ model }}

)

select filled from counted
where filled = 0
{% endtest %}

{% test not_constant(model, column_name) %}
with counted as (

    select count(distinct {{ column_name }}) as distinct_values from {{ model }}

)

select distinct_values from counted
where distinct_values = 1
{% endtest %}

{% test recency(model, field, datepart, interval, ignore_time_component=false, group_by_columns=[]) %}
{%- set groups = test_columns('recency', 'group_by_columns', group_by_columns) if group_by_columns else '' -%}
{%- set type = 'date' if ignore_time_component else 'timestamp' -%}
with newest as (

    select
        {% if groups %}{{ groups }},{% endif %}
        cast(max({{ field }}) as {{ type }}) as most_recent
    from {{ model }}
    {% if groups %}group by {{ groups }}{% endif %}

)

select * from newest
where most_recent is null
    or most_recent < cast(now() - {{ test_interval('recency', interval, datepart) }} as {{ type }})
{% endtest %}
