"""What is each array of parameters in its network: input, hidden, output, readout?"""
