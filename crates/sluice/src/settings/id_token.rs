//! Where a pipeline's own identity comes from, as its system sets it.

/// A pipeline's way to a token that its system signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IdTokenSource {
    /// GitHub Actions makes one on request, as often as it is asked, for the audience that is asked for.
    Request {
        /// Where to ask.
        url: String,
        /// What to show there.
        token: String,
    },
    /// GitLab and Jenkins put one into the job.
    Given(String),
}

impl IdTokenSource {
    /// Reads the environment of this process.
    pub(crate) fn from_environment() -> Option<Self> {
        Self::from_variables(&super::variable)
    }

    /// Reads the variables that `get` gives.
    pub(crate) fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        if let Some(token) = get("SLUICE_ID_TOKEN") {
            return Some(Self::Given(token));
        }
        let url = get("ACTIONS_ID_TOKEN_REQUEST_URL")?;
        let token = get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?;
        Some(Self::Request { url, token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_has_an_identity_is_recognised() {
        let of = |variables: &[(&str, &str)]| {
            IdTokenSource::from_variables(&|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x")]), None);
        let github = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"),
        ];
        assert!(matches!(of(&github), Some(IdTokenSource::Request { .. })));
        let given = of(&[("SLUICE_ID_TOKEN", "e.y.j")]);
        assert_eq!(given, Some(IdTokenSource::Given("e.y.j".into())));
    }
}
