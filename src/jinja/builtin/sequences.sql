{% test sequential_values(model, column_name, interval=1, datepart=none, group_by_columns=[]) %}
{%- set groups = test_columns('sequential_values', 'group_by_columns', group_by_columns) if group_by_columns else '' -%}
{%- if datepart is not none -%}
{%- set step = test_interval('sequential_values', interval, datepart) -%}
{%- else -%}
{%- set step = interval -%}
{%- endif -%}
with windowed as (

    select
        {% if groups %}{{ groups }},{% endif %}
        {{ column_name }},
        lag({{ column_name }}) over (
            {% if groups %}partition by {{ groups }}{% endif %}
            order by {{ column_name }}
        ) as previous_value
    from {{ model }}

)

select * from windowed
where previous_value is not null
    and {{ column_name }} <> previous_value + {{ step }}
{% endtest %}

{#- Ranges are half-open, [lower, upper); one without an upper bound never ends. -#}
{% test mutually_exclusive_ranges(
    model, lower_bound_column, upper_bound_column, partition_by=none, gaps='allowed', zero_length_range_allowed=false
) %}
{%- if gaps == 'allowed' -%}
{%- set meets = '<=' -%}
{%- elif gaps == 'not_allowed' -%}
{%- set meets = '=' -%}
{%- elif gaps == 'required' -%}
{%- set meets = '<' -%}
{%- else -%}
{{ test_argument('mutually_exclusive_ranges', 'gaps', 'allowed, not_allowed or required') }}
{%- endif -%}
{%- set groups = test_columns('mutually_exclusive_ranges', 'partition_by', partition_by) if partition_by else '' -%}
with ranges as (

    select
        {% if groups %}{{ groups }},{% endif %}
        {{ lower_bound_column }} as lower_bound,
        {{ upper_bound_column }} as upper_bound,
        lead({{ lower_bound_column }}) over (
            {% if groups %}partition by {{ groups }}{% endif %}
            order by {{ lower_bound_column }}, {{ upper_bound_column }}
        ) as next_lower_bound
    from {{ model }}

)

select * from ranges
where lower_bound is null
    or (upper_bound is not null and not lower_bound {{ '<=' if zero_length_range_allowed else '<' }} upper_bound)
    or (next_lower_bound is not null and (upper_bound is null or not upper_bound {{ meets }} next_lower_bound))
{% endtest %}
