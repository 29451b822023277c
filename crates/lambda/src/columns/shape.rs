//! The type of a reference in one row, and where it was found there.

use crate::infer::Types;
use crate::types::Ty;
use model::Name;
use std::sync::Arc;

/// Where a reference is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Field,
    Tag,
    Result,
}

/// Type and place of one reference in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    kind: CodeKind,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CodeKind {
    Typed(Ty),
    Null,
    Ambiguous,
}

impl Code {
    /// A field without content.
    pub(super) const NULL: Code = Code { kind: CodeKind::Null, source: Source::Field };
    /// A name that is both a field and a tag.
    pub(super) const AMBIGUOUS: Code = Code { kind: CodeKind::Ambiguous, source: Source::Field };

    pub(super) fn new(ty: Ty, source: Source) -> Code {
        Code { kind: CodeKind::Typed(ty), source }
    }

    pub(super) fn source(self) -> Source {
        self.source
    }

    /// A program depends on types alone.
    pub(super) fn without_source(self) -> Code {
        Code { source: Source::Field, ..self }
    }

    fn ty(self) -> Option<Ty> {
        match self.kind {
            CodeKind::Typed(ty) => Some(ty),
            CodeKind::Null | CodeKind::Ambiguous => None,
        }
    }
}

/// The types of all references of a lambda.
pub(super) struct ShapeTypes<'a> {
    pub codes: &'a [Code],
    pub names: &'a Arc<[Name]>,
}

impl Types for ShapeTypes<'_> {
    fn ty(&self, slot: usize) -> Option<Ty> {
        self.codes.get(slot).and_then(|code| code.ty())
    }

    fn names(&self) -> &Arc<[Name]> {
        self.names
    }
}
