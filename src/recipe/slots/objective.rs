//! What is compared.

kind! {
    /// What candidates are ranked by: their mean score, less what their length costs.
    Objective {
        /// Points off for each time that the prompt is as long as the longest of the first
        /// candidates (CAPO; arXiv:2504.16005, section 3), in [0, 1].
        length_penalty: f64 = 0.0,
    }
}
