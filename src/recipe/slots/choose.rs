//! Which operator is next.

slot! {
    /// Which operator is next.
    Choose {
        /// By the operators' weights.
        "fixed" => Fixed(FixedChoose),
        /// Every operator, `weight` times for each parent.
        "each" => Each(EachChoose),
        /// By what each brought for its cost, drawn from what is believed of it.
        "thompson" => Thompson(ThompsonChoose),
        /// By an upper confidence bound of what each brought.
        "ucb" => Ucb(UcbChoose),
    }
}

kind! {
    /// By the operators' weights.
    FixedChoose {}
}
kind! {
    /// Every operator is used on each parent, as often as its weight says.
    EachChoose {}
}
kind! {
    /// Thompson sampling on gain per cost: each operator's children have brought gains over their
    /// parents, older ones count less, and an operator's chance is that of being the best, times its
    /// weight.
    ThompsonChoose {
        /// What an older gain counts for each later one of the same operator.
        discount: f64 = 0.95,
        /// The least chance of each operator.
        floor: f64 = 0.05,
    }
}
kind! {
    /// Asymmetric upper confidence bounds: only gains over parent and seed count; chances are times
    /// the operators' weights (ShinkaEvolve; arXiv:2509.19349, section 3.3).
    UcbChoose {
        /// The weight of exploration.
        c: f64 = 1.0,
        /// The chance of any operator.
        epsilon: f64 = 0.2,
        /// What an older gain counts for each later child.
        discount: f64 = 0.95,
    }
}
