//! Questions and databases in Spider's layout, and prompts made of them.
