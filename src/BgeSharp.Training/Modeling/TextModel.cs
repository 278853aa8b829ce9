// A model folder opened for use: tokenizer, encoder and what bge.json says.

using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>An encoder with its vocabulary.</summary>
public sealed class TextModel : IDisposable
{
    private readonly Weights _weights;

    private TextModel(string folder, Weights weights, ModelConfig config, ITokenizer tokenizer, ModelCard card)
    {
        Folder = folder;
        _weights = weights;
        Config = config;
        Tokenizer = tokenizer;
        Card = card;
        Encoder = new TorchEncoder(new Encoder(weights, "", config), PoolingExtensions.Parse(card.Pooling), new M3Heads(weights, M3Heads.Unweighted(tokenizer.Special)));
    }

    /// <summary>Where it came from.</summary>
    public string Folder { get; }

    /// <summary>Sizes.</summary>
    public ModelConfig Config { get; }

    /// <summary>Vocabulary.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>What bge.json says.</summary>
    public ModelCard Card { get; }

    /// <summary>Tokens to embeddings: dense, and sparse and multi-vector where heads.safetensors has them.</summary>
    public TorchEncoder Encoder { get; }

    /// <summary>Longest query to encode, in tokens.</summary>
    public int QueryMaxLength => Card.QueryMaxLength > 0 ? Math.Min(Card.QueryMaxLength, Config.MaxLength) : Config.MaxLength;

    /// <summary>Longest passage to encode, in tokens.</summary>
    public int PassageMaxLength => Card.PassageMaxLength > 0 ? Math.Min(Card.PassageMaxLength, Config.MaxLength) : Config.MaxLength;

    /// <summary>Opens a model folder.</summary>
    /// <param name="folder">Hugging Face layout.</param>
    /// <param name="compute">Device and precision.</param>
    /// <param name="encoderAlone">As in <see cref="ModelCard.LoadStart"/>, for the model that a run started from.</param>
    /// <exception cref="BadInput">A file is missing or malformed, or vocabulary and weights do not fit.</exception>
    public static TextModel Load(string folder, Compute compute, bool encoderAlone = false)
    {
        if (!Directory.Exists(folder))
        {
            throw new BadInput($"{folder}: no such folder (model); name a folder with config.json, model.safetensors and tokenizer.json.");
        }
        if (TorchReranker.IsReranker(folder))
        {
            throw new BadInput($"{folder}: is a cross-encoder, which judges pairs and gives no vectors; name an embedding model here, and this one where a re-ranker or teacher is asked for.");
        }
        ModelConfig config = ModelConfig.Load(folder);
        ITokenizer tokenizer = TokenizerFile.Load(folder);
        CheckVocabulary(folder, tokenizer, config);
        ModelCard card = encoderAlone ? ModelCard.LoadStart(folder) : ModelCard.Load(folder);
        var weights = new Weights(Modeling.Encoder.Shapes("", config).Concat(ModelFolder.HeadShapes(folder, config)), compute, frozen: _ => true);
        try
        {
            ModelFolder.ReadWeights(folder, weights, "", config);
            return new TextModel(folder, weights, config, tokenizer, card);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Throws unless every id of the vocabulary has a row in the model.</summary>
    public static void CheckVocabulary(string where, ITokenizer tokenizer, ModelConfig config) => ModelFiles.CheckVocabulary(where, tokenizer, config);

    /// <summary>The same model with a [CLS] every so many tokens, for long texts; see <see cref="MultiClsEncoder"/>.</summary>
    /// <exception cref="BadInput">The model's vectors are not those of [CLS].</exception>
    public MultiClsEncoder MultiCls(int every) => PoolingExtensions.Parse(Card.Pooling) == Pooling.Cls
        ? new(new Encoder(_weights, "", Config), Tokenizer.Special.Cls, every)
        : throw new BadInput($"{Folder}: its vectors are made by {Card.Pooling} pooling, and several [CLS] need a model with cls pooling; leave --mcls out.");

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();
}
