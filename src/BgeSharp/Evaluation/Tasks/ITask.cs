using BgeSharp.Evaluation.Models;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>Something a model is measured on by its dense vectors.</summary>
public interface ITask
{
    /// <summary>For reports.</summary>
    string Name { get; }

    /// <summary>Measures a model; the same model gives the same figures.</summary>
    TaskResult Run(EvaluatedModel model);
}
