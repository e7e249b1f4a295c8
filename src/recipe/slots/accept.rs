//! What makes a candidate the incumbent.

slot! {
    /// What makes a candidate the incumbent.
    Accept {
        /// The best so far.
        "always" => Always(AlwaysAccept),
        /// Only a candidate that beats a certain other one.
        "improve" => Improve(ImproveAccept),
        /// Only with evidence, or where it is as good and cheaper.
        "archive_or_incumbent" => Evidence(EvidenceAccept),
    }
}

kind! {
    /// The best mean is the incumbent.
    AlwaysAccept {}
}

kind! {
    /// A child that is not better than what it competes with is not kept.
    ImproveAccept {
        /// With whom it competes: the incumbent, or the member of the population whose place it
        /// would take.
        against: Against = Against::Incumbent,
        /// Whether being as good is enough.
        or_equal: bool = false,
    }
}

choice! {
    /// With whom a child competes.
    Against {
        /// The incumbent.
        Incumbent = "incumbent",
        /// The member whose place it would take.
        Slot = "slot",
    }
}

kind! {
    /// Replaces the incumbent when it is likely better, or not worse and cheaper.
    EvidenceAccept {
        /// The probability of being better that is asked for.
        posterior: f64 = 0.8,
        /// A candidate that is not worse must save this share of the deployed cost.
        or_cheaper: f64 = 0.2,
        /// How much worse still counts as not worse.
        margin: f64 = 0.01,
    }
}
