//! Every code a [`Diagnostic`](crate::Diagnostic) of this crate can carry, with its meaning. A
//! code once released keeps its meaning; a new one is a new line here.

macro_rules! codes {
    ($($(#[doc = $meaning:literal])* $name:ident = $code:literal;)*) => {
        $($(#[doc = $meaning])* pub const $name: &str = $code;)*

        /// All codes with their meanings, in order.
        pub const ALL: &[(&str, &str)] = &[$(($code, concat!($($meaning),*))),*];
    };
}

codes! {
    /// The text does not continue as the grammar wants.
    UNEXPECTED = "T001";
    /// A number is malformed or out of range.
    NUMBER = "T002";
    /// A duration is malformed or out of range.
    DURATION = "T003";
    /// A regular expression is not valid RE2.
    REGEX = "T004";
    /// The script nests or chains more deeply than a member can afford.
    TOO_DEEP = "T005";
    /// The script is longer than a member accepts.
    TOO_LONG = "T006";
    /// A name is used that nothing defines.
    UNDEFINED = "T010";
    /// A variable is defined twice.
    REDEFINED = "T011";
    /// A variable is declared with a type that does not exist.
    VAR_TYPE = "T012";
    /// A variable without default got no value.
    VAR_MISSING = "T013";
    /// A variable got a value of another type than it is declared with.
    VAR_MISMATCH = "T014";
    /// A member is called with the wrong one of `.`, `|` and `@`.
    WRONG_LINK = "T015";
    /// An object has no member of that name.
    NO_MEMBER = "T016";
    /// A double-quoted reference stands where a single-quoted string belongs.
    WRONG_QUOTES = "T017";
    /// The operand of a prefix operator has the wrong type.
    UNARY = "T018";
    /// The operands of an infix operator do not go together.
    BINARY = "T019";
    /// A function is called that does not exist.
    NO_FUNCTION = "T020";
    /// A function or member is called with arguments it does not take.
    BAD_CALL = "T021";
    /// A value of this kind cannot be used inside a lambda expression or a list.
    NOT_A_LITERAL = "T022";
    /// The script's variables grow beyond what a member can afford.
    TOO_LARGE = "T023";
    /// The script reads neither from `stream` nor from `batch`, or from both.
    TASK_TYPE = "T030";
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_unique_and_explained() {
        let ordered = super::ALL.windows(2).all(|pair| pair[0].0 < pair[1].0);
        assert!(ordered, "codes must be distinct and in order");
        assert!(super::ALL.iter().all(|(_, meaning)| meaning.trim().ends_with('.')));
    }
}
