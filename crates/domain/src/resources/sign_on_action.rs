//! SignOnAction
