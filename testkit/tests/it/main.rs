//! The scripted vendors and the chaos proxy, driven from outside by plain clients.
