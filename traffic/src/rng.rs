//! Seeded randomness: small, fast, and the same on every machine.

/// xoshiro256++ (Blackman and Vigna, 2019), seeded through splitmix64. Not for secrets.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The generator of this seed; every seed is a good one.
    pub fn new(seed: u64) -> Self {
        let mut splitmix = seed;
        let state = std::array::from_fn(|_| {
            splitmix = splitmix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = splitmix;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Self { state }
    }

    /// 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number below `bound`, which must not be 0. The bias is below bound / 2^32.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// A number from `first` to `last`, both included.
    #[inline]
    pub fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    /// A number in 0.0..1.0.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True `percent` times in a hundred.
    #[inline]
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// A whole number of exponential distribution: the gap between arrivals that are `mean` apart.
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> u64 {
        (-mean * (1.0 - self.unit()).ln()).round() as u64
    }

    /// A number from `least` to `most` with a heavy tail (Pareto, shape 1.2): many mice, few elephants.
    pub fn heavy_tailed(&mut self, least: u32, most: u32) -> u32 {
        let value = f64::from(least) * (1.0 - self.unit()).powf(-1.0 / 1.2);
        value.min(f64::from(most)) as u32
    }

    /// An index of these weights, each as likely as its weight is large; their sum must not be 0.
    pub fn pick(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut draw = self.below(weights.clone().sum());
        for (index, weight) in weights.enumerate() {
            if draw < weight {
                return index;
            }
            draw -= weight;
        }
        0
    }

    /// A port of the dynamic range (RFC 6335).
    pub fn dynamic_port(&mut self) -> u16 {
        self.between(49152, 65535) as u16
    }
}

/// Ranks 0..n where rank r comes up in proportion to 1 / (r + 1)^exponent: exact, in constant time
/// (Walker's alias method in Vose's form, 1991).
#[derive(Clone, Debug)]
pub struct Zipf {
    /// For each column the chance to keep it, in 2^32 parts, and the rank to take otherwise.
    columns: Vec<(u32, u32)>,
}

impl Zipf {
    /// The distribution over `ranks` ranks, of which there must be at least one.
    pub fn new(ranks: u32, exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=ranks).map(|rank| f64::from(rank).powf(-exponent)).collect();
        let mean = weights.iter().sum::<f64>() / f64::from(ranks);
        let mut share: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut columns: Vec<(u32, u32)> = (0..ranks).map(|rank| (u32::MAX, rank)).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..ranks).partition(|&rank| share[rank as usize] < 1.0);
        while let (Some(&poor), Some(&rich)) = (small.last(), large.last()) {
            small.pop();
            columns[poor as usize] = ((share[poor as usize] * 4_294_967_296.0) as u32, rich);
            share[rich as usize] -= 1.0 - share[poor as usize];
            if share[rich as usize] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        Self { columns }
    }

    /// One rank; 0 is the most frequent.
    #[inline]
    pub fn sample(&self, rng: &mut Rng) -> usize {
        let column = rng.below(self.columns.len() as u32);
        let (keep, other) = self.columns[column as usize];
        (if rng.next_u32() < keep { column } else { other }) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_fixed() {
        // The first splitmix64 output for seed 0 is published; the state begins with it.
        assert_eq!(Rng::new(0).state[0], 0xe220_a839_7b1d_cdaf);
        let mut rng = Rng::new(1);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        let mut again = Rng::new(1);
        assert_eq!(first, (0..3).map(|_| again.next_u64()).collect::<Vec<_>>());
        assert_ne!(Rng::new(2).next_u64(), first[0]);
    }

    #[test]
    fn zipf_frequencies_follow_the_law() {
        let zipf = Zipf::new(1_000, 1.0);
        let mut rng = Rng::new(3);
        let mut seen = vec![0u32; 1_000];
        const DRAWS: u32 = 1_000_000;
        for _ in 0..DRAWS {
            seen[zipf.sample(&mut rng)] += 1;
        }
        let harmonic: f64 = (1..=1_000).map(|rank| 1.0 / f64::from(rank)).sum();
        for rank in [0usize, 1, 9, 99] {
            let expected = f64::from(DRAWS) / (rank as f64 + 1.0) / harmonic;
            let error = (f64::from(seen[rank]) - expected).abs();
            assert!(error < 5.0 * expected.sqrt(), "rank {rank}: {} for {expected}", seen[rank]);
        }
    }

    #[test]
    fn the_ranges_hold() {
        let mut rng = Rng::new(4);
        for _ in 0..10_000 {
            assert!((5..=7).contains(&rng.between(5, 7)));
            assert!((2..=50).contains(&rng.heavy_tailed(2, 50)));
            assert!((0.0..1.0).contains(&rng.unit()));
        }
        let mean = (0..100_000).map(|_| rng.exponential(200.0)).sum::<u64>() as f64 / 100_000.0;
        assert!((mean - 200.0).abs() < 4.0, "{mean}");
    }
}
