{#- Each selects one number, which is judged beside those that the table's earlier versions gave. -#}
{% test anomalous_row_count(model, sensitivity=3.5, versions=14, min_versions=7, direction='both') %}
select cast(count(*) as double precision) as metric from {{ model }}
{% endtest %}

{% test anomalous_null_share(model, column_name, sensitivity=3.5, versions=14, min_versions=7, direction='both') %}
select 1.0 - cast(count({{ column_name }}) as double precision) / nullif(count(*), 0) as metric from {{ model }}
{% endtest %}

{% test anomalous_sum(model, column_name, sensitivity=3.5, versions=14, min_versions=7, direction='both') %}
select cast(sum({{ column_name }}) as double precision) as metric from {{ model }}
{% endtest %}

{#- Seconds from the newest value to now. -#}
{% test anomalous_freshness(model, column_name, sensitivity=3.5, versions=14, min_versions=7, direction='up') %}
select
    cast(
        extract(epoch from cast(now() as timestamp)) - extract(epoch from cast(max({{ column_name }}) as timestamp))
        as double precision
    ) as metric
from {{ model }}
{% endtest %}
