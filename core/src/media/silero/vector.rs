//! Sixteen neighbouring outputs of a layer, in the registers the processor has.

/// Outputs of a layer that are computed together; the weight file is laid out in runs of this many.
pub(super) const LANES: usize = 16;

/// Sixteen neighbouring outputs in memory.
pub(super) type Block = [f32; LANES];

/// A [`Block`], or one of its equal parts, in registers. The methods are inlined into the kernel function that carries
/// the target feature; the types below are named nowhere else.
pub(super) trait Vector: Copy {
    /// How many of this make a block.
    const PARTS: usize;

    fn load(block: &Block, part: usize) -> Self;
    fn splat(value: f32) -> Self;
    /// `self + a * b`
    fn add_product(self, a: Self, b: Self) -> Self;
    fn store(self, block: &mut Block, part: usize);
}

const HALF: usize = LANES / 2;

/// A plain array, which the compiler turns into SSE2 or NEON. Half a block: with sums for four frames, a whole one
/// needs more registers than SSE2 has and half the time goes into spilling them.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; HALF]);

impl Vector for Portable {
    const PARTS: usize = LANES / HALF;

    #[inline(always)]
    fn load(block: &Block, part: usize) -> Self {
        Self(block.as_chunks().0[part])
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; HALF])
    }

    #[inline(always)]
    fn add_product(mut self, a: Self, b: Self) -> Self {
        for lane in 0..HALF {
            self.0[lane] += a.0[lane] * b.0[lane];
        }
        self
    }

    #[inline(always)]
    fn store(self, block: &mut Block, part: usize) {
        block.as_chunks_mut().0[part] = self.0;
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "vector intrinsics need a processor feature that these methods cannot declare"
)]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Block, Vector};

    /// Needs AVX-512F.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    impl Vector for Avx512 {
        const PARTS: usize = 1;

        #[inline(always)]
        fn load(block: &Block, _part: usize) -> Self {
            // SAFETY: the block is sixteen readable floats; the kernel function that names this type has AVX-512F.
            Self(unsafe { _mm512_loadu_ps(block.as_ptr()) })
        }

        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: the kernel function that names this type has AVX-512F.
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: the kernel function that names this type has AVX-512F.
            Self(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
        }

        #[inline(always)]
        fn store(self, block: &mut Block, _part: usize) {
            // SAFETY: the block is sixteen writable floats; the kernel function that names this type has AVX-512F.
            unsafe { _mm512_storeu_ps(block.as_mut_ptr(), self.0) }
        }
    }

    /// Needs AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256, __m256);

    impl Vector for Avx2 {
        const PARTS: usize = 1;

        #[inline(always)]
        fn load(block: &Block, _part: usize) -> Self {
            // SAFETY: both halves lie in the sixteen readable floats; the kernel that names this type has AVX2.
            unsafe { Self(_mm256_loadu_ps(block.as_ptr()), _mm256_loadu_ps(block.as_ptr().add(8))) }
        }

        #[inline(always)]
        fn splat(value: f32) -> Self {
            // SAFETY: the kernel function that names this type has AVX2.
            let value = unsafe { _mm256_set1_ps(value) };
            Self(value, value)
        }

        #[inline(always)]
        fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: the kernel function that names this type has FMA.
            unsafe { Self(_mm256_fmadd_ps(a.0, b.0, self.0), _mm256_fmadd_ps(a.1, b.1, self.1)) }
        }

        #[inline(always)]
        fn store(self, block: &mut Block, _part: usize) {
            // SAFETY: both halves lie in the sixteen writable floats; the kernel that names this type has AVX2.
            unsafe {
                _mm256_storeu_ps(block.as_mut_ptr(), self.0);
                _mm256_storeu_ps(block.as_mut_ptr().add(8), self.1);
            }
        }
    }
}
