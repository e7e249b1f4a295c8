//! What is compared, and what is found out before anything is bred.

kind! {
    /// What candidates are ranked by: their mean score, less what their length costs.
    Objective {
        /// Points off for each time that the prompt is as long as the longest of the first
        /// candidates (CAPO; arXiv:2504.16005, section 3), in [0, 1].
        length_penalty: f64 = 0.0,
    }
}

kind! {
    /// The seed on a few rows of train, several times, before anything is spent on children.
    Probe {
        /// Rows that are asked; 0 = no probe.
        rows: usize = 0,
        /// Answers for each row.
        replicates: u16 = 2,
        /// The search ends as `no_headroom` where the seed's mean is at least this, with the rows
        /// of dev to say the same.
        stop_score: f64 = 0.98,
    }
}
