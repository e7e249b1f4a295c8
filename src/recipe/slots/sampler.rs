//! Which combination of ingredients is tried next, in a `product` schedule.

slot! {
    /// Which combination is tried next.
    Sampler {
        /// Any.
        "random" => Random(RandomSampler),
        /// Tree-structured Parzen estimators.
        "tpe" => Tpe(TpeSampler),
        /// A Gaussian process over the texts' features.
        "gp" => Gp(GpSampler),
    }
}

impl Default for Sampler {
    fn default() -> Self {
        Self::Random(RandomSampler::default())
    }
}

kind! {
    /// Any combination that was not tried yet.
    RandomSampler {}
}
kind! {
    /// Multivariate tree-structured Parzen estimators over the two lists (Bergstra et al. 2011; as
    /// MIPROv2 uses them, arXiv:2406.11695, section 3.2).
    TpeSampler {
        /// Random trials before the first estimate.
        startup: usize = 10,
        /// Combinations drawn for each trial.
        draws: usize = 24,
    }
}
kind! {
    /// A Gaussian process (Matérn 5/2, one length scale for the instruction's features and one for
    /// the demonstrations') whose hyperparameters are fitted by marginal likelihood (HbBoPs;
    /// arXiv:2412.07820, section 4).
    GpSampler {
        /// What is maximised.
        acquisition: Acquisition = Acquisition::Ei,
        /// Dimensions of each text's features.
        features: usize = 16,
        /// The chance of a random combination.
        random_fraction: f64 = 0.1,
        /// Random combinations before the first fit.
        startup: usize = 4,
    }
}

choice! {
    /// What a surrogate's sampler maximises.
    Acquisition {
        /// Expected improvement.
        Ei = "ei",
        /// Mean plus two standard deviations.
        Ucb = "ucb",
        /// A draw from what is believed.
        Ts = "ts",
    }
}
