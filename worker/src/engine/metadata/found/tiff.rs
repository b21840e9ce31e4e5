//! TIFF: fields of the first directory.

use std::borrow::Cow;

use super::Found;
use crate::engine::{
    limits::MAX_ICC_BYTES,
    metadata::{
        fields::{self, Directory},
        iptc, xmp,
    },
};

pub(in crate::engine::metadata) const XMP: u16 = 700;
pub(in crate::engine::metadata) const IPTC: u16 = 33_723;
pub(in crate::engine::metadata) const ICC: u16 = 34_675;
const C2PA: u16 = 52_545;

pub(super) fn find(input: &[u8]) -> Found<'_> {
    let wanted = |directory, tag| directory == Directory::Image && [XMP, IPTC].contains(&tag);
    let most = xmp::MAX_BYTES + iptc::MAX_BYTES;
    let c2pa = fields::names(input, C2PA);
    let Some(fields) = fields::read(input, most, wanted) else { return Found::default() };
    let value = |tag| fields.image.iter().find(|field| field.tag == tag).map(|field| &field.value);
    Found {
        xmp: value(XMP).map(|xmp| Cow::Owned(xmp.clone())),
        iptc: value(IPTC).map(|iptc| Cow::Owned(iptc.clone())),
        c2pa,
        ..Found::default()
    }
}

/// The colour profile; empty where it is larger than we look at, so that the caller can warn of it.
pub(crate) fn profile(input: &[u8]) -> Option<Vec<u8>> {
    let wanted = |directory, tag| directory == Directory::Image && tag == ICC;
    let fields = fields::read(input, MAX_ICC_BYTES + 100, wanted)?;
    fields.image.into_iter().next().map(|field| field.value).or_else(|| fields.cut.then(Vec::new))
}
