"""TensorRT: through Paddle Inference and natively."""
