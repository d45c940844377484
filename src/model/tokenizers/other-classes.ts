/**
 * Tokenizer classes of transformers 5.24 that do not use tokenizer.json as it is, and that hardly any model of a
 * supported family has.
 */
const NAMES = `
  Albert Bart Barthez Bartpho Basic Bert BertGeneration BertJapanese Bertweet BigBird BioGpt
  Blenderbot BlenderbotSmall ByT5 CLIP CTRL Camembert Canine Character Clvp CodeGen CodeLlama
  ConvBert Cpm CpmAnt DPRContextEncoder DPRQuestionEncoder DPRReader Deberta DebertaV2 Dia
  DistilBert Esm Esmc FNet FSMT FastSpeech2Conformer Flaubert Funnel GPTNeoXJapanese GPTSw3
  Herbert Lasr LayoutLMv2 LayoutLMv3 LayoutXLM Luke M2M100 MBart MBart50 MLuke MPNet Marian
  MarkupLM Mecab Mgpstr MobileBert MyT5 Nllb Nougat OpenAIGPT PLBart Pegasus Perceiver Phobert
  Pop2Piano ProphetNet Rag Reformer RemBert RoCBert RoFormer Roberta SeamlessM4T Siglip Siglip2
  Speech2Text SpeechT5 Splinter SqueezeBert T5 Tapas Tipsv2 Udop VideoPrism Vits Wav2Vec2CTC
  Wav2Vec2PhonemeCTC Whisper Wordpiece XGLM XLM XLMRoberta XLNet
`;

export const NOT_COMPUTED: ReadonlySet<string> = new Set(
  NAMES.trim()
    .split(/\s+/)
    .map((name) => `${name}Tokenizer`),
);
