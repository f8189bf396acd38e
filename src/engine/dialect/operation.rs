//! Operations: the arithmetic and bitwise operators of dialect `duckdb`.

/// An arithmetic or bitwise operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    /// `+`
    Add,
    /// Binary `-`.
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `//`
    DivideWhole,
    /// `%`
    Modulo,
    /// `^` and `**`
    Power,
    /// Unary `-`.
    Negate,
    /// Unary `~`.
    BitwiseNot,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
}

impl Operation {
    /// Returns the operator as written in SQL.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract | Self::Negate => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::DivideWhole => "//",
            Self::Modulo => "%",
            Self::Power => "**",
            Self::BitwiseNot => "~",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
        }
    }
}
