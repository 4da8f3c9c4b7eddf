"""The network: CNN, encoder, attention, decoder, loss, post-processing; weights on disk."""
