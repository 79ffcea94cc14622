//! One network, compiled for each family of processors and chosen at run time.

use std::fmt;

use super::network::{self, Network, Workspace};
use super::spectrum::Plan;
use super::vector::Portable;
#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};

/// The code path that computes the network. A value exists only for a path this processor can run, which is what makes
/// [`Kernel::evaluate`] sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Path);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    /// The fastest path of this processor.
    pub fn detect() -> Self {
        Self::available().next().expect("the portable path runs everywhere")
    }

    /// Every path this processor can run, fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = [
            is_x86_feature_detected!("avx512f").then_some(Self(Path::Avx512)),
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(Path::Avx2)),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let wide: [Option<Self>; 0] = [];
        wide.into_iter().flatten().chain([Self(Path::Portable)])
    }

    /// Compute one window: the samples in `work` against its state, which is moved on.
    pub(super) fn evaluate(self, network: &Network<'_>, plan: &Plan, work: &mut Workspace) -> f32 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "a function compiled for AVX-512 may only run where it exists")]
            // SAFETY: this path is only ever built by `available`, after AVX-512F was detected.
            Path::Avx512 => unsafe { evaluate_avx512(network, plan, work) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "a function compiled for AVX2 may only run where it exists")]
            // SAFETY: this path is only ever built by `available`, after AVX2 and FMA were detected.
            Path::Avx2 => unsafe { evaluate_avx2(network, plan, work) },
            Path::Portable => network::evaluate::<Portable, 1, 2, 4>(network, plan, work),
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => "avx2",
            Path::Portable => "portable",
        })
    }
}

// The three numbers are blocks of sixteen outputs worked on at once in the convolutions over four frames, in those over
// two, and in the dense layers: enough sums in flight to hide the latency of a multiply-add, few enough for the
// registers (32 of 16 floats, 16 of 8, 16 of 4).

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn evaluate_avx512(network: &Network<'_>, plan: &Plan, work: &mut Workspace) -> f32 {
    network::evaluate::<Avx512, 4, 4, 4>(network, plan, work)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn evaluate_avx2(network: &Network<'_>, plan: &Plan, work: &mut Workspace) -> f32 {
    network::evaluate::<Avx2, 1, 2, 4>(network, plan, work)
}
