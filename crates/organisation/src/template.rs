//! The folder that a new organisation starts from.

/// Paths and texts of a small, commented organisation without problems.
pub fn init_template() -> &'static [(&'static str, &'static str)] {
    &[
        ("organisation.yaml", include_str!("../template/organisation.yaml")),
        ("rules.yaml", include_str!("../template/rules.yaml")),
        ("links.yaml", include_str!("../template/links.yaml")),
        ("policies/guardrails.yaml", include_str!("../template/policies/guardrails.yaml")),
    ]
}
