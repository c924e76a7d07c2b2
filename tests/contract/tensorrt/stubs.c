/* The symbols that TensorRT's bindings look up when they are loaded: enough to import them and to
   list their names without TensorRT's libraries and without a GPU. None does anything. */
#define STUB(name) void *name(void) { return 0; }
STUB(createInferBuilder_INTERNAL)
STUB(createInferRefitter_INTERNAL)
STUB(createInferRuntime_INTERNAL)
STUB(createNvOnnxParser_INTERNAL)
STUB(createNvOnnxParserRefitter_INTERNAL)
STUB(getBuilderPluginRegistry)
STUB(getNvOnnxParserVersion)
STUB(getPluginRegistry)
STUB(initLibNvInferPlugins)
