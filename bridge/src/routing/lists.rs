//! A vendor with its fallbacks as one list.

use crate::bot::keys::Keyed;

/// Put the one at this place first; the others keep their order behind it.
pub fn put_first<T: Keyed>(vendor: &mut T, place: usize) {
    let Some(behind) = place.checked_sub(1) else { return };
    let mut rest = std::mem::take(vendor.fallbacks_mut());
    if behind >= rest.len() {
        *vendor.fallbacks_mut() = rest;
        return;
    }
    let picked = rest.remove(behind);
    let first = std::mem::replace(vendor, picked);
    rest.insert(0, first);
    *vendor.fallbacks_mut() = rest;
}
