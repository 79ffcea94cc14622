//! G.711 companding (ITU-T G.711, 1988), by the segment arithmetic of the recommendation: 16-bit samples as one byte each, as
//! telephone networks carry them at 8 kHz.

/// The bias that makes µ-law segments powers of two.
const ULAW_BIAS: i32 = 0x84;
/// The largest magnitude µ-law can carry.
const ULAW_CLIP: i32 = 32_635;

/// One µ-law byte to a 16-bit sample.
pub fn ulaw_to_linear(byte: u8) -> i16 {
    let code = !byte;
    let exponent = i32::from(code >> 4) & 7;
    let mantissa = i32::from(code & 0x0f);
    let magnitude = (((mantissa << 3) + ULAW_BIAS) << exponent) - ULAW_BIAS;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// One 16-bit sample to a µ-law byte.
pub fn linear_to_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(ULAW_CLIP) + ULAW_BIAS;
    let exponent = 24 - magnitude.leading_zeros() as i32;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | (exponent << 4) as u8 | mantissa as u8)
}

/// One A-law byte to a 16-bit sample.
pub fn alaw_to_linear(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let exponent = i32::from(code >> 4) & 7;
    let mantissa = i32::from(code & 0x0f) << 4;
    let magnitude = if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
    (if code & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

/// One 16-bit sample to an A-law byte.
pub fn linear_to_alaw(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0, !i32::from(sample)) } else { (0x80, i32::from(sample)) };
    let exponent = (24 - (magnitude | 0x80).leading_zeros() as i32).max(0);
    let mantissa = if exponent == 0 { magnitude >> 4 } else { magnitude >> (exponent + 3) };
    (sign | (exponent << 4) as u8 | (mantissa & 0x0f) as u8) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_round_trip() {
        for code in 0..=255u8 {
            let sample = ulaw_to_linear(code);
            assert_eq!(ulaw_to_linear(linear_to_ulaw(sample)), sample, "µ-law {code:#04x}");
            let sample = alaw_to_linear(code);
            assert_eq!(alaw_to_linear(linear_to_alaw(sample)), sample, "A-law {code:#04x}");
        }
    }

    #[test]
    fn known_points_of_the_recommendation() {
        assert_eq!(ulaw_to_linear(0x00), -32_124);
        assert_eq!(ulaw_to_linear(0x80), 32_124);
        assert_eq!(ulaw_to_linear(0xff), 0);
        assert_eq!(alaw_to_linear(0xd5), 8);
        assert_eq!(alaw_to_linear(0xaa), 32_256);
        assert_eq!(linear_to_ulaw(i16::MIN), 0x00);
        assert_eq!(linear_to_alaw(i16::MAX), 0xaa);
    }
}
