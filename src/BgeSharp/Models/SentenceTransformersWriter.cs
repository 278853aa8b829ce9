// The files that make a Hugging Face folder one that sentence-transformers loads: which modules, how to pool, longest text, prompts.

using System.Text.Encodings.Web;
using System.Text.Json;
using BgeSharp.Formats;

namespace BgeSharp.Models;

/// <summary>Writes modules.json and what belongs to it.</summary>
internal static class SentenceTransformersWriter
{
    private static readonly JsonWriterOptions s_plain = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the files into a folder.</summary>
    /// <param name="folder">Has config.json, weights and tokenizer, or will have.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="card">Pooling, normalisation, lengths, prompts.</param>
    public static void Write(string folder, ModelConfig config, ModelCard card)
    {
        WriteJson(Path.Combine(folder, SentenceTransformersReader.ModulesFile), json => WriteModules(json, card.Normalize));
        WriteJson(Path.Combine(folder, "1_Pooling", "config.json"), json => WritePooling(json, config.HiddenSize, card.Pooling));
        if (card.Normalize)
        {
            Directory.CreateDirectory(Path.Combine(folder, "2_Normalize"));
        }
        WriteJson(Path.Combine(folder, "sentence_bert_config.json"), json =>
        {
            json.WriteStartObject();
            json.WriteNumber("max_seq_length", card.MaxLength(config));
            json.WriteBoolean("do_lower_case", false);
            json.WriteEndObject();
        });
        WriteJson(Path.Combine(folder, SentenceTransformersReader.PromptsFile), json => WritePrompts(json, card));
    }

    private static void WriteModules(Utf8JsonWriter json, bool normalize)
    {
        (string Path, string Type)[] modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")];
        json.WriteStartArray();
        for (int i = 0; i < (normalize ? 3 : 2); i++)
        {
            json.WriteStartObject();
            json.WriteNumber("idx", i);
            json.WriteString("name", FormattableString.Invariant($"{i}"));
            json.WriteString("path", modules[i].Path);
            json.WriteString("type", $"sentence_transformers.models.{modules[i].Type}");
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WritePooling(Utf8JsonWriter json, int size, string pooling)
    {
        json.WriteStartObject();
        json.WriteNumber("word_embedding_dimension", size);
        json.WriteBoolean("pooling_mode_cls_token", pooling == "cls");
        json.WriteBoolean("pooling_mode_mean_tokens", pooling == "mean");
        foreach (string other in (string[])["max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"])
        {
            json.WriteBoolean($"pooling_mode_{other}", false);
        }
        json.WriteBoolean("include_prompt", true);
        json.WriteEndObject();
    }

    private static void WritePrompts(Utf8JsonWriter json, ModelCard card)
    {
        json.WriteStartObject();
        json.WriteStartObject("prompts");
        json.WriteString("query", card.QueryInstruction);
        json.WriteString("document", card.PassageInstruction);
        foreach (var (name, text) in card.Prompts)
        {
            json.WriteString(name, text);
        }
        json.WriteEndObject();
        json.WriteString("default_prompt_name", card.DefaultPrompt);
        json.WriteString("similarity_fn_name", card.Similarity);
        json.WriteEndObject();
    }

    private static void WriteJson(string path, Action<Utf8JsonWriter> write) => AtomicFile.Write(path, stream =>
    {
        using var json = new Utf8JsonWriter(stream, s_plain);
        write(json);
    });
}
