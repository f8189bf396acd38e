//! `modules.itertools`.

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Kwargs, Rest, Tuple, from_args},
};

use crate::jinja::value::{
    List,
    cost::{paid_items, pay_items},
};

/// Evaluates a function of `modules.itertools`. What Python gives lazily is a list here.
pub(super) fn call(state: &State<'_, '_>, function: &str, args: &[Value]) -> Result<Value, Error> {
    let rows = match function {
        "product" => {
            let (sequences, named): (Rest<Value>, Kwargs) = from_args(args)?;
            let repeat: usize = named.get::<Option<usize>>("repeat")?.unwrap_or(1);
            named.assert_all_used()?;
            let once: Vec<Vec<Value>> =
                sequences.iter().map(|items| paid_items(state, items)).collect::<Result<_, _>>()?;
            let mut rows = vec![Vec::new()];
            for _ in 0..repeat {
                for items in &once {
                    rows = extended(state, &rows, items)?;
                }
            }
            rows
        }
        "combinations" | "permutations" => {
            let (items, length): (Value, Option<usize>) = from_args(args)?;
            let items = paid_items(state, &items)?;
            let length = length.unwrap_or(items.len());
            let mut rows = Vec::new();
            chosen(state, &items, (length, function == "permutations"), &mut Vec::new(), &mut rows)?;
            rows
        }
        "chain" => {
            let (sequences,): (Rest<Value>,) = from_args(args)?;
            let mut all = Vec::new();
            for items in sequences.iter() {
                all.extend(paid_items(state, items)?);
            }
            return Ok(Value::from_object(List::new(all)));
        }
        "repeat" => {
            let (value, times): (Value, usize) = from_args(args)?;
            pay_items(state, times)?;
            return Ok(Value::from_object(List::new(vec![value; times])));
        }
        "accumulate" => {
            let (items,): (Value,) = from_args(args)?;
            return accumulated(state, &items);
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    Ok(Value::from_object(List::new(rows.into_iter().map(|row| Value::from(Tuple::from(row))).collect())))
}

fn extended(state: &State<'_, '_>, rows: &[Vec<Value>], items: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
    let width = rows.first().map_or(0, Vec::len) + 1;
    pay_items(state, rows.len().saturating_mul(items.len()).saturating_mul(width))?;
    let rows = rows
        .iter()
        .flat_map(|row| items.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()));
    Ok(rows.collect())
}

/// Collects the choices of `length` items, in Python's order.
fn chosen(
    state: &State<'_, '_>,
    items: &[Value],
    (length, in_any_order): (usize, bool),
    places: &mut Vec<usize>,
    rows: &mut Vec<Vec<Value>>,
) -> Result<(), Error> {
    pay_items(state, 1 + length)?;
    if places.len() == length {
        rows.push(places.iter().map(|place| items[*place].clone()).collect());
        return Ok(());
    }
    let first = if in_any_order { 0 } else { places.last().map_or(0, |last| last + 1) };
    for place in first..items.len() {
        if !places.contains(&place) {
            places.push(place);
            chosen(state, items, (length, in_any_order), places, rows)?;
            places.pop();
        }
    }
    Ok(())
}

/// Evaluates `accumulate(items)`: running sums.
fn accumulated(state: &State<'_, '_>, items: &Value) -> Result<Value, Error> {
    let sum = state.env().compile_expression("total + item")?;
    let mut sums: Vec<Value> = Vec::new();
    for item in paid_items(state, items)? {
        let next = match sums.last() {
            Some(total) => sum.eval(minijinja::context! { total, item })?,
            None => item,
        };
        sums.push(next);
    }
    Ok(Value::from_object(List::new(sums)))
}
