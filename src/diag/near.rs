//! Similar names: suggests what an unknown name was meant to be.

/// The minimum similarity, from 0 to 1, of a suggested name.
const NEAR: f64 = 0.7;

/// Returns up to three of `names` that are similar to `wanted`, most similar first, ties in alphabetical
/// order.
pub fn names<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted_lower = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .filter(|name| *name != wanted)
        .map(|name| (score(&wanted_lower, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= NEAR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Returns "did you mean …?" if any of `names` is similar to `wanted`.
pub fn question<'a>(wanted: &str, all: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<String> = names(wanted, all).into_iter().map(|name| format!("`{name}`")).collect();
    let (last, first) = near.split_last()?;
    Some(match first {
        [] => format!("did you mean {last}?"),
        first => format!("did you mean {} or {last}?", first.join(", ")),
    })
}

fn score(a: &str, b: &str) -> f64 {
    let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
    let contained = short >= 3 && (a.contains(b) || b.contains(a));
    // Names of such different lengths can't be similar, so skip the distance. In ASCII, bytes are characters.
    if !contained && a.is_ascii() && b.is_ascii() && (short as f64) < NEAR * long as f64 {
        return 0.0;
    }
    strsim::normalized_damerau_levenshtein(a, b).max(if contained { 0.75 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_first_and_nothing_far() {
        let all = ["stg_readings", "stg_reading_days", "products"];
        assert_eq!(names("stg_reading", all), ["stg_readings", "stg_reading_days"]);
        assert_eq!(question("xyz", all), None);
        assert_eq!(question("product", all).as_deref(), Some("did you mean `products`?"));
    }
}
