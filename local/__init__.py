"""The whole deployment on one machine: every outside system of the program, real where it can be had."""
