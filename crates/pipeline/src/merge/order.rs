//! The order in which what several parents bring is taken: by ordinal, of equal ones by parent.

use smallvec::SmallVec;

/// Walks over what all parents bring, one `(source, position)` a step.
pub struct InOrder<'a> {
    ordinals: SmallVec<[&'a [u32]; 2]>,
    next: SmallVec<[u32; 2]>,
}

impl<'a> InOrder<'a> {
    /// Of the ordinals that each parent brings, each sorted.
    pub fn new(ordinals: impl Iterator<Item = &'a [u32]>) -> InOrder<'a> {
        let ordinals: SmallVec<[&[u32]; 2]> = ordinals.collect();
        InOrder { next: SmallVec::from_elem(0, ordinals.len()), ordinals }
    }
}

impl Iterator for InOrder<'_> {
    type Item = (usize, usize);

    #[inline]
    fn next(&mut self) -> Option<(usize, usize)> {
        let mut best: Option<(u32, usize)> = None;
        for (source, (ordinals, &next)) in self.ordinals.iter().zip(&self.next).enumerate() {
            if let Some(&ordinal) = ordinals.get(next as usize)
                && best.is_none_or(|(least, _)| ordinal < least)
            {
                best = Some((ordinal, source));
            }
        }
        let (_, source) = best?;
        let at = self.next[source];
        self.next[source] += 1;
        Some((source, at as usize))
    }
}
