// What every stage of a run shares.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>A run under way.</summary>
/// <param name="Recipe">What to do.</param>
/// <param name="Hash">SHA-256 of the resolved recipe.</param>
/// <param name="Data">Digest of everything that is read.</param>
/// <param name="Folder">Where everything goes.</param>
/// <param name="Documents">The recipe's documents.</param>
/// <param name="Tokenizer">The vocabulary.</param>
/// <param name="Config">Sizes of the model.</param>
/// <param name="Options">Device, observer, clock.</param>
/// <param name="Metrics">Figures of each logged step; null on ranks other than 0.</param>
/// <param name="Evaluation">The sets to evaluate on; null on ranks other than 0.</param>
/// <param name="Account">Told seconds of training, seconds of standing still for checkpoints, number of checkpoints.</param>
internal sealed record RunContext(Recipe Recipe, string Hash, string Data, RunFolder Folder, RecipeDocuments Documents, ITokenizer Tokenizer, ModelConfig Config,
    RunOptions Options, MetricsLog? Metrics, RunEvaluation? Evaluation, Action<double, double, int> Account);
