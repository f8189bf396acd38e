//! `COLUMNS(…)` and stars with options. Their columns are known only when FROM is planned. Until then, each
//! is a name that no table has, and the planner's error about it lists the columns.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        ExcludeSelectItem, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
        LambdaFunction, ObjectName, ObjectNamePart, OneOrManyWithParens, RenameSelectItem, SelectItem,
        SelectItemQualifiedWildcardKind, Spanned, Value, ValueWithSpan, VisitMut, VisitorMut,
        WildcardAdditionalOptions,
    },
    tokenizer::Span,
};

use crate::engine::{
    ast::{call, text},
    dialect::refusal::SyntaxRefusal,
};

/// The prefix of placeholder names for stars.
pub(in crate::engine::dialect) const STAR: &str = "$columns ";

/// A star, or COLUMNS with its selection.
#[derive(Debug, Clone)]
pub(in crate::engine::dialect) struct Star {
    /// The qualified table, if the star has one.
    pub(super) table: Vec<String>,
    pub(super) exclude: Vec<Vec<String>>,
    pub(super) replace: Vec<(String, Expr)>,
    pub(super) rename: Vec<(String, String)>,
    pub(super) choice: Choice,
    pub(super) span: Span,
}

/// The selection among the columns.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine::dialect) enum Choice {
    /// All columns.
    All,
    /// The columns with these names.
    Named(Vec<String>),
    /// The columns whose names match a pattern.
    Matching(String),
    /// The columns whose names satisfy a condition.
    Where(LambdaFunction),
}

impl PartialEq for Star {
    /// Ignores the span.
    fn eq(&self, other: &Self) -> bool {
        (&self.table, &self.exclude, &self.replace, &self.rename, &self.choice)
            == (&other.table, &other.exclude, &other.replace, &other.rename, &other.choice)
    }
}

impl Star {
    /// Returns the selection among the columns.
    pub(in crate::engine::dialect) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Returns the names of the excluded columns.
    pub(in crate::engine::dialect) fn excluded(&self) -> &[Vec<String>] {
        &self.exclude
    }

    /// Returns the span of the star.
    pub(in crate::engine::dialect) fn span(&self) -> Span {
        self.span
    }

    /// Returns the star of `columns(…)`, or `None` for any other call.
    ///
    /// # Errors
    /// If the arguments of `columns(…)` are invalid.
    pub(in crate::engine::dialect) fn of_call(function: &Function) -> Result<Option<Self>, SyntaxRefusal> {
        let [name] = function.name.0.as_slice() else { return Ok(None) };
        let is_columns = name.as_ident().is_some_and(|name| name.value.eq_ignore_ascii_case("columns"));
        let (true, FunctionArguments::List(list)) = (is_columns, &function.args) else { return Ok(None) };
        let span = function.name.span();
        let mut arguments = list.args.iter().map(|argument| match argument {
            FunctionArg::Unnamed(argument) => Some(argument),
            _ => None,
        });
        let star = match arguments.next().flatten() {
            Some(FunctionArgExpr::Wildcard) => Self::new(span),
            Some(FunctionArgExpr::WildcardWithOptions(options)) => Self::new(span).with(options),
            Some(FunctionArgExpr::QualifiedWildcard(table)) => {
                Self { table: names(table), ..Self::new(span) }
            }
            Some(FunctionArgExpr::Expr(choice)) => {
                let Some(choice) = Choice::of(choice) else { return Err(unknown(span)) };
                Self { choice, ..Self::new(span) }
            }
            None => return Err(unknown(span)),
        };
        let tests: Option<Vec<&str>> = arguments
            .map(|argument| match argument {
                Some(FunctionArgExpr::Expr(expr)) => literal(expr),
                _ => None,
            })
            .collect();
        match tests.as_deref() {
            Some([]) => Ok(Some(star)),
            Some([test, pattern, negated @ ..]) => {
                let choice = Choice::Where(name_test(test, pattern, !negated.is_empty()));
                Ok(Some(Self { choice, ..star }))
            }
            _ => Err(unknown(span)),
        }
    }

    /// Returns the star in an item of a SELECT list, or `None` if it has none. If `plain` is true, stars
    /// without options count too.
    pub(super) fn of_item(item: &SelectItem, plain: bool) -> Option<Self> {
        let has_options = |options: &WildcardAdditionalOptions| {
            options.opt_exclude.is_some() || options.opt_replace.is_some() || options.opt_rename.is_some()
        };
        match item {
            SelectItem::Wildcard(options) if plain || has_options(options) => {
                Some(Self::new(item.span()).with(options))
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(table), options)
                if plain || has_options(options) =>
            {
                Some(Self { table: names(table), ..Self::new(item.span()).with(options) })
            }
            _ => None,
        }
    }

    /// Checks that each column appears at most once in the lists of options.
    pub(super) fn check(&self) -> Result<(), SyntaxRefusal> {
        let excluded = self.exclude.iter().filter_map(|names| names.last().cloned());
        let replaced = self.replace.iter().map(|(name, _)| name.clone());
        let renamed = self.rename.iter().map(|(name, _)| name.clone());
        let mut seen = std::collections::HashSet::new();
        for name in excluded.chain(replaced).chain(renamed) {
            if !seen.insert(name.to_lowercase()) {
                let message = format!("the column {name} is in the lists of this star twice");
                let help = "exclude, replace or rename it, once";
                return Err(SyntaxRefusal::new(message, Some(help), self.span));
            }
        }
        let changes = !self.replace.is_empty() || !self.rename.is_empty();
        if changes && !matches!(self.choice, Choice::All) {
            let message = "a star that chooses by name can't replace or rename";
            return Err(SyntaxRefusal::new(message, Some("name the columns"), self.span));
        }
        Ok(())
    }

    fn new(span: Span) -> Self {
        Self {
            table: Vec::new(),
            exclude: Vec::new(),
            replace: Vec::new(),
            rename: Vec::new(),
            choice: Choice::All,
            span,
        }
    }

    fn with(mut self, options: &WildcardAdditionalOptions) -> Self {
        self.exclude = match &options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => vec![names(name)],
            Some(ExcludeSelectItem::Multiple(several)) => several.iter().map(names).collect(),
            None => Vec::new(),
        };
        if let Some(replace) = &options.opt_replace {
            let items = replace.items.iter();
            self.replace = items.map(|item| (item.column_name.value.clone(), item.expr.clone())).collect();
        }
        let renamed = match &options.opt_rename {
            Some(RenameSelectItem::Single(one)) => std::slice::from_ref(one),
            Some(RenameSelectItem::Multiple(several)) => several.as_slice(),
            None => &[],
        };
        self.rename = renamed.iter().map(|one| (one.ident.value.clone(), one.alias.value.clone())).collect();
        self
    }
}

impl Choice {
    fn of(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Lambda(lambda) => Some(Self::Where(lambda.clone())),
            Expr::Array(list) => list
                .elem
                .iter()
                .map(|item| literal(item).map(str::to_owned))
                .collect::<Option<_>>()
                .map(Self::Named),
            other => literal(other).map(|pattern| Self::Matching(pattern.to_owned())),
        }
    }
}

fn unknown(span: Span) -> SyntaxRefusal {
    let help = "write columns(*), columns('pattern'), columns(['a', 'b']) or columns(c -> c like 'a%')";
    SyntaxRefusal::new("columns(…) takes a star, a pattern, a list of names or a lambda", Some(help), span)
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => Some(text),
        _ => None,
    }
}

fn names(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(ObjectNamePart::as_ident).map(|part| part.value.clone()).collect()
}

/// Returns the lambda for a name test: `* LIKE 'a%'`.
fn name_test(test: &str, pattern: &str, negated: bool) -> LambdaFunction {
    const NAME: &str = "name";
    let name = Box::new(Expr::Identifier(Ident::new(NAME)));
    let body = match test {
        "$like" => Expr::Like {
            negated,
            any: false,
            expr: name,
            pattern: Box::new(text(pattern)),
            escape_char: None,
        },
        "$ilike" => Expr::ILike {
            negated,
            any: false,
            expr: name,
            pattern: Box::new(text(pattern)),
            escape_char: None,
        },
        other => {
            let matched = if other == "$glob" {
                call("glob_match", vec![*name, text(pattern)])
            } else {
                call("regexp_matches", vec![*name, text(pattern)])
            };
            super::condition::negate_if(negated, matched)
        }
    };
    LambdaFunction {
        params: OneOrManyWithParens::One(datafusion::sql::sqlparser::ast::LambdaFunctionParameter {
            name: Ident::new(NAME),
            data_type: None,
        }),
        body: Box::new(body),
        syntax: datafusion::sql::sqlparser::ast::LambdaSyntax::Arrow,
    }
}

/// Returns the placeholder name for a star.
pub(super) fn placeholder(number: usize, span: Span) -> Expr {
    let mut name = Ident::with_quote('"', format!("{STAR}{number}"));
    name.span = span;
    Expr::Identifier(name)
}

/// Applies the condition of a lambda to a name.
pub(in crate::engine::dialect) fn condition(lambda: &LambdaFunction, name: &str) -> Expr {
    struct ParameterReplacement<'a> {
        parameter: &'a str,
        name: &'a str,
    }
    impl VisitorMut for ParameterReplacement<'_> {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if matches!(expr, Expr::Identifier(found) if found.value.eq_ignore_ascii_case(self.parameter)) {
                *expr = text(self.name);
            }
            ControlFlow::Continue(())
        }
    }
    let parameter = match &lambda.params {
        OneOrManyWithParens::One(parameter) => parameter.name.value.clone(),
        OneOrManyWithParens::Many(several) => {
            several.first().map_or_else(String::new, |parameter| parameter.name.value.clone())
        }
    };
    let mut body = lambda.body.as_ref().clone();
    let _ = body.visit(&mut ParameterReplacement { parameter: &parameter, name });
    body
}
