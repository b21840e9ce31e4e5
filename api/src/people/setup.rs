//! The one-time code by which the first person becomes the owner.
