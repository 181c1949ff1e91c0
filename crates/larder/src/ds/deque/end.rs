//! `End`: one of a list's two.

/// An end of a list.
///
/// ```
/// use larder::End;
///
/// assert_eq!(End::Front.other(), End::Back);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The first element's, which Redis calls left.
    #[doc(alias = "LEFT")]
    Front,
    /// The last element's, which Redis calls right.
    #[doc(alias = "RIGHT")]
    Back,
}

impl End {
    /// The other end.
    ///
    /// ```
    /// assert_eq!(larder::End::Back.other(), larder::End::Front);
    /// ```
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            End::Front => End::Back,
            End::Back => End::Front,
        }
    }
}
