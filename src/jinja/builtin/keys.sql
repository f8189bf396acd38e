{% test unique(model, column_name) %}
select
    {{ column_name }} as unique_field,
    count(*) as n_records
from {{ model }}
where {{ column_name }} is not null
group by {{ column_name }}
having count(*) > 1
{% endtest %}

{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
{%- set columns = [] -%}
{%- if combination_of_columns is string or combination_of_columns is not sequence -%}
{{ test_argument('unique_combination_of_columns', 'combination_of_columns', 'a list of columns') }}
{%- endif -%}
{%- for column in combination_of_columns -%}
{%- do columns.append('"' ~ column ~ '"' if quote_columns else column) -%}
{%- endfor -%}
select
    {{ columns | join(', ') }},
    count(*) as n_records
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{#- The side that is held in memory is the one that is referred to. -#}
{% test relationships(model, column_name, to, field) %}
with parent as (

    select {{ field }} as to_field from {{ to }}

),

child as (

    select {{ column_name }} as from_field
    from {{ model }}
    where {{ column_name }} is not null

)

select child.from_field
from parent
right anti join child on parent.to_field = child.from_field
{% endtest %}
