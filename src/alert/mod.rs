//! When an alert is raised and when it is told: pure functions of rows and time.
