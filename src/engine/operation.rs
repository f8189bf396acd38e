//! Operations: the arithmetic and bitwise operators of dialect `duckdb`.

/// An arithmetic or bitwise operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
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
    pub(crate) fn symbol(self) -> &'static str {
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

    /// All operators.
    const ALL: [Self; 11] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::DivideWhole,
        Self::Modulo,
        Self::Power,
        Self::Negate,
        Self::BitwiseNot,
        Self::ShiftLeft,
        Self::ShiftRight,
    ];

    /// Returns the operator that a function of this name computes.
    pub(in crate::engine) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// Returns the name of the function that computes it.
    pub(in crate::engine) fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::DivideWhole => "divide_whole",
            Self::Modulo => "modulo",
            Self::Power => "power_of",
            Self::Negate => "negate",
            Self::BitwiseNot => "bitwise_not",
            Self::ShiftLeft => "shift_left",
            Self::ShiftRight => "shift_right",
        }
    }
}
